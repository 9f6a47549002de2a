BEGIN TRANSACTION;
CREATE TABLE access_keys (
	id VARCHAR(16) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	actor_id VARCHAR(32) NOT NULL, 
	note TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	created_by VARCHAR(128) NOT NULL, 
	expires_at VARCHAR(27), 
	revoked_at VARCHAR(27), requests_per_second FLOAT DEFAULT '0' NOT NULL, concurrency INTEGER DEFAULT '0' NOT NULL, priority VARCHAR(16) DEFAULT 'normal' NOT NULL, 
	CONSTRAINT pk_access_keys PRIMARY KEY (id), 
	CONSTRAINT fk_access_keys_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "access_keys" VALUES('edb2c3d4','9ee4ecc51efbfa1841770892574732d52fb85c46257aa8851ccbbdc85d06d088','fe31e49b77c1fafd','this machine','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0,'normal');
INSERT INTO "access_keys" VALUES('4ea0f842','fdb154c52cb45033fb6ece0fa48272eef793a9e0e6dd29eb9a621dca4e0a03f9','e974177c0d21238f','agent','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0,'normal');
CREATE TABLE actors (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	deleted_at VARCHAR(27), 
	CONSTRAINT pk_actors PRIMARY KEY (id), 
	CONSTRAINT uq_actors_folded UNIQUE (folded)
);
INSERT INTO "actors" VALUES('fe31e49b77c1fafd','local','local','service','2026-01-02T03:04:05.000000Z',NULL);
INSERT INTO "actors" VALUES('e974177c0d21238f','node','node','service','2026-01-02T03:04:05.000000Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE aliases (
	model VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	alias VARCHAR(128) NOT NULL, 
	number INTEGER NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (model, folded), 
	CONSTRAINT fk_aliases_model_number FOREIGN KEY(model, number) REFERENCES versions (model, number)
);
INSERT INTO "aliases" VALUES('fraud','champion','champion',1);
CREATE TABLE artifact_claims (
	digest VARCHAR(64) NOT NULL, 
	holder VARCHAR(32) NOT NULL, 
	purpose VARCHAR(16) NOT NULL, 
	until VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_artifact_claims PRIMARY KEY (digest, holder)
);
CREATE TABLE endpoints (
	name VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	environment VARCHAR(128) NOT NULL, 
	spec JSON NOT NULL, 
	revision INTEGER NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	created_by VARCHAR(128) NOT NULL, 
	deleted BOOLEAN NOT NULL, 
	CONSTRAINT pk_endpoints PRIMARY KEY (name), 
	CONSTRAINT fk_endpoints_environment FOREIGN KEY(environment) REFERENCES environments (name), 
	CONSTRAINT fk_endpoints_project FOREIGN KEY(project) REFERENCES projects (name), 
	CONSTRAINT uq_endpoints_folded UNIQUE (folded)
);
INSERT INTO "endpoints" VALUES('fraud','fraud','default','staging','{}',6,'2026-01-02T03:04:05.000000Z','ann',0);
CREATE TABLE environments (
	name VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	needs_approval BOOLEAN NOT NULL, 
	CONSTRAINT pk_environments PRIMARY KEY (name), 
	CONSTRAINT uq_environments_folded UNIQUE (folded)
);
INSERT INTO "environments" VALUES('staging','staging',0);
INSERT INTO "environments" VALUES('production','production',1);
CREATE TABLE events (
	number BIGINT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	actor VARCHAR(64) NOT NULL, 
	verb VARCHAR(64) NOT NULL, 
	object VARCHAR(300) NOT NULL, 
	reason VARCHAR(64) NOT NULL, 
	"before" TEXT NOT NULL, 
	"after" TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	signature VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (number)
);
INSERT INTO "events" VALUES(1,'2026-01-02T03:04:05.000000Z','35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','actor.create','actor:fe31e49b77c1fafd','','null','{"kind":"service","name":{"personal":"ea21b8875f43d72f92f3aeab292a4d9e347f7f71f90fdbadeb288662c282be12"}}','0000000000000000000000000000000000000000000000000000000000000000','3cc475eddc019644b371895a24af38b7ab7c5f07bd2c0094fd877392cdf0b88e','9a668f489985840e6d5072ac16cbc33916a6a5d7308cd67e577046bfa544e0bb6da2dad8a42cf329e7c3afdccfc2e59bdc722c40d626bcfce82594ef37080d01');
INSERT INTO "events" VALUES(2,'2026-01-02T03:04:05.000000Z','35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','actor.grant','actor:fe31e49b77c1fafd','','null','{"environment":"*","project":"*","role":"admin"}','3cc475eddc019644b371895a24af38b7ab7c5f07bd2c0094fd877392cdf0b88e','5bf105e28d79642cb2ec7c689bfa001f98592630c0566bfb3f2f07fef4f2e86b','0ace3c4d1c268dcd800cf9986e6073e6fcc66710e747fa16f909e58e171a45a6927791d57245a9985b2d09444e38033de315280afa2e7826145120dbcda1af0d');
INSERT INTO "events" VALUES(3,'2026-01-02T03:04:05.000000Z','35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','actor.create','actor:e974177c0d21238f','','null','{"kind":"service","name":{"personal":"5f447538e1ace776bb6271c500c398a7e1941dbe837588cd81655ac585d5e3b4"}}','5bf105e28d79642cb2ec7c689bfa001f98592630c0566bfb3f2f07fef4f2e86b','cfa70b80fe95bfac3e8183cabd807720bc8dcf38898ba57cac24dad1756a9935','619ae53083be0e7592b8444062397652a23928528f946a696ed2ae10c7f718d15147349b06e3b8c56dfa1faecde95be4330186da9c0d0212a2e4db63566e0602');
INSERT INTO "events" VALUES(4,'2026-01-02T03:04:05.000000Z','35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','actor.grant','actor:e974177c0d21238f','','null','{"environment":"*","project":"*","role":"node"}','cfa70b80fe95bfac3e8183cabd807720bc8dcf38898ba57cac24dad1756a9935','40161d3bde74fab3f6eb25cf86d67e9e4bd0a05a2c4761288d1933c7745a0847','263b103d6f7ef1607c934973e7ead1080a45ef299157667ca65e91b04c37082a2d162de5b453084d8aa47e0c60395c46d2e749790e480d8b4626ffb1f60f770e');
INSERT INTO "events" VALUES(5,'2026-01-02T03:04:05.000000Z','35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','key.issue','key:edb2c3d4','','null','{"actor":{"personal":"d947db8e221ae27c9ff8bea1cd4860dcde7d06b91a53908aaad21f3d6fa40263"},"expires_at":null}','40161d3bde74fab3f6eb25cf86d67e9e4bd0a05a2c4761288d1933c7745a0847','e5c5935752269175983dba0c30d8a672c124fb1af2ea180e35d75cfb6b1323ab','637a049e65802ac45be685cb772f358990031938daba5b4b8bc187faf656ba87e83a1e815f13c3b5ff5213cbb75b15cedfc56267bf7a11c48c01b183316f030f');
INSERT INTO "events" VALUES(6,'2026-01-02T03:04:05.000000Z','35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','key.issue','key:4ea0f842','','null','{"actor":{"personal":"9d9862c14890915539ac496b4a8e6fcafee445d41304541bf21c69905ffd66b9"},"expires_at":null}','e5c5935752269175983dba0c30d8a672c124fb1af2ea180e35d75cfb6b1323ab','9c3a186b00228134817a414d090b093d9bd3b54948cdbe386242d81335c50610','355e2a7e365d2dd778300cd6719494f567517b3fa0dfd19a5a3f594d0d2075b553b615049f8d0b77ef9f4ad33861bde5df25541ebcbeee3ee191d35d708b5d0a');
INSERT INTO "events" VALUES(7,'2026-01-02T03:04:05.000000Z','2ea3f508103713c870ff2d908a7d30c0457c66224627c05fe4728024c216cb0e','project.create','project:risk','','null','{"name":"risk"}','9c3a186b00228134817a414d090b093d9bd3b54948cdbe386242d81335c50610','3b8bdedabf23ec5f0ad6b548a71152fdde7e013b5f5e18f60fd70f81cf84e998','2538fe163d46d40722d660ee13cf136470e55678837a33cb70fa2aba29a961650a66541e2870baa010ea38612509d1bf6d588fe36b7a38c607c0c16ec1bd9b07');
INSERT INTO "events" VALUES(8,'2026-01-02T03:04:05.000000Z','59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','model.create','model:fraud','','null','{"project":"default"}','3b8bdedabf23ec5f0ad6b548a71152fdde7e013b5f5e18f60fd70f81cf84e998','11590b7ed8efd15d62d22d51ca36c7668059bb6b5ddf566a2f7fa2a7d3b85ca9','b2b11f4a3890f1b17367fa4c7908fb347879d689a2cd34cfd4d3c334cb38a4b061d29d7775f0792eed4bbc8e70882b8e82850e7cabbba3c4557292c3cf38ae07');
INSERT INTO "events" VALUES(9,'2026-01-02T03:04:05.000000Z','59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','version.register','version:fraud:1','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098","signed_by":"","state":"pending"}','11590b7ed8efd15d62d22d51ca36c7668059bb6b5ddf566a2f7fa2a7d3b85ca9','4f9c4837665fb6c2a24acc9370853596f626194ce6e6d30308390743fc2d80db','bfb5816a5272c0af1871440769b62ac4c2ec173dc9b397b1d553157adf28578ddcee2c97da363058cc20b17244fdeeb30161ce00938958e01c73b536160cf60d');
INSERT INTO "events" VALUES(10,'2026-01-02T03:04:05.000000Z','59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','version.register','version:fraud:2','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"bc4daac8cd8e41a8b074303eb05117daead219146608ecb8682395a1449b9155","signed_by":"","state":"pending"}','4f9c4837665fb6c2a24acc9370853596f626194ce6e6d30308390743fc2d80db','c956b2be6e259cf9f510085ee740900b27e857bf5f8a0ab8b4cf1441491e913f','26bb1805be59a4ce77694e1120cfa70c0b8cc708f40408e2d7fdbc94255ca53abe378607a848a498860b26988bf2aac84267a4c6bc242522b403e4b2ecd95e00');
INSERT INTO "events" VALUES(11,'2026-01-02T03:04:05.000000Z','2ea3f508103713c870ff2d908a7d30c0457c66224627c05fe4728024c216cb0e','alias.set','model:fraud','','{"alias":"champion","version":null}','{"alias":"champion","version":1}','c956b2be6e259cf9f510085ee740900b27e857bf5f8a0ab8b4cf1441491e913f','c6d1c493ef6404d124a98bf6a65c029ef739066dd2f42d7d814605d7df7df2f2','531e7a0dc92436cc2750328f97af9376f0598b83ac09d8e0d6840494663cba4d44add3354e51ca06aa3bd6f5aa53b047f6c11a58ea8c7edad314a0b298a6830f');
INSERT INTO "events" VALUES(12,'2026-01-02T03:04:05.000000Z','2ea3f508103713c870ff2d908a7d30c0457c66224627c05fe4728024c216cb0e','version.approve','version:fraud:1','df730c27b1af7bf35a8d8de26787e9a52cb5d363731730024a2a0d2a53ef21a2','{"state":"pending"}','{"state":"approved"}','c6d1c493ef6404d124a98bf6a65c029ef739066dd2f42d7d814605d7df7df2f2','8673b35baa2b88257da3b433593bdfa36a81fb18e882e4c1ed3fda610b68270d','02ad186c789070e5ff0318fcb5d5d85d944537526fe645539e8743fdd6f6b7cbdc1667ee21a7b73589c3ef17392b37b490e43248888d496c34c0acf176a18600');
INSERT INTO "events" VALUES(13,'2026-01-02T03:04:05.000000Z','59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','endpoint.create','endpoint:fraud','','{}','{"environment":"staging","project":"default"}','8673b35baa2b88257da3b433593bdfa36a81fb18e882e4c1ed3fda610b68270d','17a50f387419fe4feda7e713b27ddf5e55c8107a81fb8baee3c4579b260a4f4c','839167f85f17d47a4429deccff880f7b5c2f2584f59cecd759bed0b10e3b0619df2e7c4d2f6a8f03d5b0ccfceafbeab3b066e3e00d7c9257aea6166a49148400');
INSERT INTO "events" VALUES(14,'2026-01-02T03:04:05.000000Z','59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}','17a50f387419fe4feda7e713b27ddf5e55c8107a81fb8baee3c4579b260a4f4c','73bbd445952eefc9eb2d8e230f92e081603e22e29cb625c61d891647cd2c6dfb','df0ac89fbf4f94893ee2729c4b826f5a916452b83485394c10dfab599b60ef61e90b05516f636dca58b4a6e58f392a8b540a863bb4dec409a060ef0f49d6d602');
INSERT INTO "events" VALUES(15,'2026-01-02T03:04:05.000000Z','9ae1be25f31dd14b274acbf0e02ef4c20a6cc883af4c3473d554a4fcab54a652','rollout.publish','endpoint:fraud','6b949c8361a32b007592923df010270956183ba0616a459d1082815d8a28d3dc','{"state":"pending"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}','73bbd445952eefc9eb2d8e230f92e081603e22e29cb625c61d891647cd2c6dfb','e364d18fb5406987a67eb0caa93eb7399011e2ddaa8d2d01ff41cd294111270b','a8ebf9cc559023d28eed497f6721353c5e7b71cf1f45da1f3e32bb19973c50c4c125dc09538073a4074fba50bfa6ddc7fed14603f80f6a329d01a2ff2cfd3408');
INSERT INTO "events" VALUES(16,'2026-01-02T03:04:05.000000Z','9ae1be25f31dd14b274acbf0e02ef4c20a6cc883af4c3473d554a4fcab54a652','rollout.verify','endpoint:fraud','577c8ff23a17b04f210291eb7daf76a7e7027941c4015af3c3c5c48b2fbf2245','{"state":"loading"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}','e364d18fb5406987a67eb0caa93eb7399011e2ddaa8d2d01ff41cd294111270b','b965d31904103a7043c04a9d780746f313583f78a45506938cc3aeec146d3976','c796538f14f8d20ab541c3de04d11b726e942d1b915eb4547e52a67c50706d7e8030554546636cd22549dc1cf0e89d80ecb69d33eeb31bff53cd8264f7272f07');
INSERT INTO "events" VALUES(17,'2026-01-02T03:04:05.000000Z','9ae1be25f31dd14b274acbf0e02ef4c20a6cc883af4c3473d554a4fcab54a652','rollout.promote','endpoint:fraud','66e46d5ef70a81ea814e973d80a8ae37109f9d67755d7dafed44763378197bac','{"state":"verifying"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}','b965d31904103a7043c04a9d780746f313583f78a45506938cc3aeec146d3976','826b9d7543184e4ea533fd4b0353730e2f810813b41923610aa3af57cde11de2','b8f7e015c8a1fdde342c06e0ccc1bd88e638a4180d259345c6c0b64c8ed32aae562e55e4d9a8dff498990baa0c588f41c8d9ecfde980003bdc9ed2b451509409');
INSERT INTO "events" VALUES(18,'2026-01-02T03:04:05.000000Z','59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}','826b9d7543184e4ea533fd4b0353730e2f810813b41923610aa3af57cde11de2','7aa1d5aaf34181ff4b50f8e4385e5519bb9cb70b321617b78b265dfa7f36eaef','17d9ea4fa996e579153ea95f3b25389465e88f524b03bd38e883a160ce94ba1dd23076a7450963fff0f1ac7e61beafc22d716ef274520b2ed71d4a7555c9450e');
CREATE TABLE grants (
	actor_id VARCHAR(32) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	environment VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (actor_id, role, project, environment), 
	CONSTRAINT fk_grants_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "grants" VALUES('fe31e49b77c1fafd','admin','*','*');
INSERT INTO "grants" VALUES('e974177c0d21238f','node','*','*');
CREATE TABLE idempotency_keys (
	actor VARCHAR(128) NOT NULL, 
	verb VARCHAR(64) NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	body_digest VARCHAR(64) NOT NULL, 
	status INTEGER NOT NULL, 
	answer TEXT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, verb, "key")
);
INSERT INTO "idempotency_keys" VALUES('local','POST /projects','k-1','44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',201,'{}','2026-01-02T03:04:05.000000Z');
CREATE TABLE instance (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_instance PRIMARY KEY ("key")
);
INSERT INTO "instance" VALUES('epoch','1');
INSERT INTO "instance" VALUES('salt','b4d0c7cd1999dbff302f6b4d0b0fb19747c010afe615ebe242938f6f0ab56c24');
INSERT INTO "instance" VALUES('id','958fb05a5286298c');
INSERT INTO "instance" VALUES('access_number','4');
INSERT INTO "instance" VALUES('rollouts','2');
INSERT INTO "instance" VALUES('node_tables','1');
CREATE TABLE ledger_head (
	id INTEGER NOT NULL, 
	number BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_ledger_head PRIMARY KEY (id), 
	CONSTRAINT ck_ledger_head_ck_ledger_head_single CHECK (id = 1)
);
INSERT INTO "ledger_head" VALUES(1,18,'7aa1d5aaf34181ff4b50f8e4385e5519bb9cb70b321617b78b265dfa7f36eaef');
CREATE TABLE models (
	name VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	owner TEXT NOT NULL, 
	description TEXT NOT NULL, 
	tags JSON NOT NULL, 
	last_number INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_models PRIMARY KEY (name), 
	CONSTRAINT fk_models_project FOREIGN KEY(project) REFERENCES projects (name), 
	CONSTRAINT uq_models_folded UNIQUE (folded)
);
INSERT INTO "models" VALUES('fraud','fraud','default','ann','','{}',2,5,'2026-01-02T03:04:05.000000Z');
CREATE TABLE personal_texts (
	digest VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	salt BLOB, 
	text TEXT, 
	CONSTRAINT pk_personal_texts PRIMARY KEY (digest)
);
INSERT INTO "personal_texts" VALUES('35a02295705271fba5d576a3c161d3a12907a1b61526a6e1a3cfec61923b5c8c','actor',X'5C27A9923DD9B9794A7D2A4AD98797C0','headgate');
INSERT INTO "personal_texts" VALUES('ea21b8875f43d72f92f3aeab292a4d9e347f7f71f90fdbadeb288662c282be12','value',X'F29CB0E76F5E5EE2BB81AE9C9A3EAD8D','local');
INSERT INTO "personal_texts" VALUES('5f447538e1ace776bb6271c500c398a7e1941dbe837588cd81655ac585d5e3b4','value',X'10353579296AB0BBDD817B8B29E53E06','node');
INSERT INTO "personal_texts" VALUES('d947db8e221ae27c9ff8bea1cd4860dcde7d06b91a53908aaad21f3d6fa40263','value',X'6892B0541429FEDA28F1761ECC72B2D3','local');
INSERT INTO "personal_texts" VALUES('9d9862c14890915539ac496b4a8e6fcafee445d41304541bf21c69905ffd66b9','value',X'7C2837C7D9DE339BE38842FA2CD8EAB5','node');
INSERT INTO "personal_texts" VALUES('2ea3f508103713c870ff2d908a7d30c0457c66224627c05fe4728024c216cb0e','actor',X'0C34C4212ADE8F2E352AC3D66BC1B40F','local');
INSERT INTO "personal_texts" VALUES('59d3e5613f5abeafa77e44548cef4ac3d9cf04ccf4de5c23e3fd60b919262716','actor',X'8765AE9FB42FA74A212D1E0A5D1CC0B5','ann');
INSERT INTO "personal_texts" VALUES('df730c27b1af7bf35a8d8de26787e9a52cb5d363731730024a2a0d2a53ef21a2','reason',X'B1D35FCFA2724EE109D143BFE2B6A9EA','sound');
INSERT INTO "personal_texts" VALUES('9ae1be25f31dd14b274acbf0e02ef4c20a6cc883af4c3473d554a4fcab54a652','actor',X'073AE2A641EE8BFC903EDF441896AE1E','controller');
INSERT INTO "personal_texts" VALUES('6b949c8361a32b007592923df010270956183ba0616a459d1082815d8a28d3dc','reason',X'9C02C612AB8FAF28EE3DCF9C4CAE73C0','handed to the nodes');
INSERT INTO "personal_texts" VALUES('577c8ff23a17b04f210291eb7daf76a7e7027941c4015af3c3c5c48b2fbf2245','reason',X'09B03160DCED50DAD391F6248D1FEADB','acknowledged by here/w0, here/w1');
INSERT INTO "personal_texts" VALUES('66e46d5ef70a81ea814e973d80a8ae37109f9d67755d7dafed44763378197bac','reason',X'6F53251039885EECA74496229A4202A2','acknowledged by here/w0, here/w1');
CREATE TABLE projects (
	name VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_projects PRIMARY KEY (name), 
	CONSTRAINT uq_projects_folded UNIQUE (folded)
);
INSERT INTO "projects" VALUES('default','default','1970-01-01T00:00:00.000000Z');
INSERT INTO "projects" VALUES('risk','risk','2026-01-02T03:04:05.000000Z');
CREATE TABLE rollouts (
	id VARCHAR(64) NOT NULL, 
	endpoint VARCHAR(128) NOT NULL, 
	from_version VARCHAR(200), 
	to_version VARCHAR(200), 
	strategy VARCHAR(32) NOT NULL, 
	spec JSON NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	steps JSON NOT NULL, 
	evidence JSON NOT NULL, 
	"by" VARCHAR(128) NOT NULL, 
	started_at VARCHAR(27) NOT NULL, 
	ended_at VARCHAR(27), 
	revision INTEGER NOT NULL, 
	CONSTRAINT pk_rollouts PRIMARY KEY (id), 
	CONSTRAINT fk_rollouts_endpoint FOREIGN KEY(endpoint) REFERENCES endpoints (name)
);
INSERT INTO "rollouts" VALUES('r-00000001','fraud',NULL,'fraud:1','all-at-once','{"force": false}','promoted','acknowledged by here/w0, here/w1','[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}, {"state": "loading", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "handed to the nodes"}, {"state": "verifying", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}, {"state": "promoted", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}]','[{"kind": "table", "epoch": 1, "generation": 1}, {"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "trusted", "answer": "accept", "reason": "Its signature is enough for what it is.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {"approval": "approved"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud is new and takes its contract from fraud:1.", "evidence": {}, "binding": true, "forced": false}, {"kind": "acknowledgement", "living": ["here/w0", "here/w1"], "acknowledged": ["here/w0", "here/w1"], "failures": [], "seconds": 0.0}]','ann','2026-01-02T03:04:05.000000Z','2026-01-02T03:04:05.000000Z',4);
INSERT INTO "rollouts" VALUES('r-00000002','fraud','fraud:1','fraud:2','all-at-once','{"force": false}','pending','','[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}]','[{"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:2 is pending.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "trusted", "answer": "accept", "reason": "Its signature is enough for what it is.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "wait", "reason": "fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason \u2026`.", "evidence": {"approval": "pending"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud:2 takes the contract of fraud.", "evidence": {}, "binding": true, "forced": false}]','ann','2026-01-02T03:04:05.000000Z',NULL,1);
CREATE TABLE route_tables (
	endpoint VARCHAR(128) NOT NULL, 
	epoch INTEGER NOT NULL, 
	generation INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	rollout VARCHAR(64), 
	CONSTRAINT pk_route_tables PRIMARY KEY (endpoint, epoch, generation), 
	CONSTRAINT fk_route_tables_endpoint FOREIGN KEY(endpoint) REFERENCES endpoints (name), 
	CONSTRAINT fk_route_tables_rollout FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "route_tables" VALUES('fraud',1,1,'{"format":1,"endpoint":"fraud","epoch":1,"generation":1,"contract":{"inputs":[{"name":"age","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}],"outputs":[{"name":"predictions","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}]},"contract_version":1,"task":"regression","classes":[],"variants":[{"version":"fraud:1","digest":"b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098","role":"stable","weight":100,"form":"onnx","placement":"inline"}],"project":"default","environment":"staging","spec":{"limits":{"timeout_ms":30000,"max_rows":10000,"max_body_bytes":16777216,"concurrency":1024,"queue":4096,"requests_per_second":0.0,"burst":0},"unseen_category":"accept","out_of_range":"accept","record_sampling":1.0,"cache_entries":0,"fallback":""}}','2026-01-02T03:04:05.000000Z','r-00000001');
CREATE TABLE versions (
	model VARCHAR(128) NOT NULL, 
	number INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	manifest TEXT NOT NULL, 
	artifact VARCHAR(64) NOT NULL, 
	size BIGINT NOT NULL, 
	signed_by TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	registered_at VARCHAR(27) NOT NULL, 
	registered_by VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_versions PRIMARY KEY (model, number), 
	CONSTRAINT fk_versions_model FOREIGN KEY(model) REFERENCES models (name), 
	CONSTRAINT uq_versions_digest UNIQUE (digest)
);
INSERT INTO "versions" VALUES('fraud',1,'b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098','{"classes":[],"environment":{"direct":[],"packages":{},"python":"3.11","unlocked":""},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":1.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'','approved','2026-01-02T03:04:05.000000Z','ann');
INSERT INTO "versions" VALUES('fraud',2,'bc4daac8cd8e41a8b074303eb05117daead219146608ecb8682395a1449b9155','{"classes":[],"environment":{"direct":[],"packages":{},"python":"3.11","unlocked":""},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":2.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'','pending','2026-01-02T03:04:05.000000Z','ann');
CREATE INDEX ix_events_actor ON events (actor);
CREATE INDEX ix_events_object ON events (object);
CREATE INDEX ix_personal_texts_kind ON personal_texts (kind);
CREATE INDEX ix_idempotency_keys_at ON idempotency_keys (at);
CREATE INDEX ix_access_keys_actor_id ON access_keys (actor_id);
CREATE INDEX ix_rollouts_endpoint_started_at ON rollouts (endpoint, started_at);
CREATE UNIQUE INDEX uq_rollouts_active ON rollouts (endpoint) WHERE ended_at IS NULL;
CREATE INDEX ix_route_tables_endpoint_at ON route_tables (endpoint, at);
COMMIT;
