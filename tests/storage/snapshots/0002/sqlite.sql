BEGIN TRANSACTION;
CREATE TABLE access_keys (
	id VARCHAR(16) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	actor_id VARCHAR(32) NOT NULL, 
	note TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	created_by VARCHAR(128) NOT NULL, 
	expires_at VARCHAR(27), 
	revoked_at VARCHAR(27), requests_per_second FLOAT DEFAULT '0' NOT NULL, concurrency INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_access_keys PRIMARY KEY (id), 
	CONSTRAINT fk_access_keys_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "access_keys" VALUES('0115998c','a75bc835e3c5df0dfc7ff4250acec135291aba2229b20e07122c6c0eca29c30d','91bf05c7622353e2','this machine','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0);
INSERT INTO "access_keys" VALUES('39bf433c','fc48664cd212457a1e07f259800895aea3c1801f740f4affbb62888936f8135b','140f8e770e2bbc7d','agent','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0);
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
INSERT INTO "actors" VALUES('91bf05c7622353e2','local','local','service','2026-01-02T03:04:05.000000Z',NULL);
INSERT INTO "actors" VALUES('140f8e770e2bbc7d','node','node','service','2026-01-02T03:04:05.000000Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE aliases (
	model VARCHAR(128) NOT NULL, 
	folded VARCHAR(128) NOT NULL, 
	alias VARCHAR(128) NOT NULL, 
	number INTEGER NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (model, folded), 
	CONSTRAINT fk_aliases_model_number FOREIGN KEY(model, number) REFERENCES versions (model, number)
);
INSERT INTO "aliases" VALUES('fraud','champion','champion',1);
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
INSERT INTO "events" VALUES(1,'2026-01-02T03:04:05.000000Z','534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','actor.create','actor:91bf05c7622353e2','','null','{"kind":"service","name":{"personal":"b1367d11e6409cbcd02465ed9aacae70d4b0093f90ed571c9ac5b4ab5f9b1d7c"}}','0000000000000000000000000000000000000000000000000000000000000000','1ad307576e23611e04ba65fc8b30b204cc46f93b4b92581df8a1fa91b936f77c','b9916b60c01718232f596ee56abb3653bf66672f197c31e7757267da26751b46af1a6a9980feabe4ab1b380efd70b75db9147b4322a434b67af44ee20a954f08');
INSERT INTO "events" VALUES(2,'2026-01-02T03:04:05.000000Z','534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','actor.grant','actor:91bf05c7622353e2','','null','{"environment":"*","project":"*","role":"admin"}','1ad307576e23611e04ba65fc8b30b204cc46f93b4b92581df8a1fa91b936f77c','f8956b55af9ac3573cb34b6affa7eac66f45b7bf9c9b83fa1ab9725c6efaf4f6','5473c30440775c370e149db375d83ea7e14ebe13e0c64cc8fb7733678baf2433001b7e2316a5cd944c1db8bda69d157c134d68ee596caa23d67fd5f2baddfa0b');
INSERT INTO "events" VALUES(3,'2026-01-02T03:04:05.000000Z','534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','actor.create','actor:140f8e770e2bbc7d','','null','{"kind":"service","name":{"personal":"6eb268776a88dd5efbbc44974c7958231f4e1da685b2902443ad5f49a554c05e"}}','f8956b55af9ac3573cb34b6affa7eac66f45b7bf9c9b83fa1ab9725c6efaf4f6','a3faccb9e4282c5d64e040990815a230f243289f94e9a2209c7b590b90ca379f','5071c8cb11c16b72f4850bfb4359cc7c644d385cb0792439af700a6deb8d1f85830c2771ced09a8fe506145c13d1dfb204c0d4dca4c16515030e2b4f7c44270f');
INSERT INTO "events" VALUES(4,'2026-01-02T03:04:05.000000Z','534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','actor.grant','actor:140f8e770e2bbc7d','','null','{"environment":"*","project":"*","role":"node"}','a3faccb9e4282c5d64e040990815a230f243289f94e9a2209c7b590b90ca379f','fb35fc55ec4d4a161b5441cbeb2a5668d6045a5b6538cb674c59cf430cb10cf7','140c0bfaaccbb5b0be3351f40f661aa0a737e79a7dea8807e56e3b019955f44290853bb9113daf855c732df978348414e66962a5b686b6608da84cc4b07b4900');
INSERT INTO "events" VALUES(5,'2026-01-02T03:04:05.000000Z','534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','key.issue','key:0115998c','','null','{"actor":{"personal":"741afff7b34def6fb4d59b20087526beb89adae104cbbc56defc6abbb5e2b4ce"},"expires_at":null}','fb35fc55ec4d4a161b5441cbeb2a5668d6045a5b6538cb674c59cf430cb10cf7','18ac320405f5deabad5e72d7ac42b62491a4841f89333ced498c7c133dfae86b','70ac9021916f096ab33af13a54c2012fb4924b3682ee0718f94367203aa1af0cfc95ee4477951c0eed3af7bb1dad791c52805e82ae36553de39738c4dde5220d');
INSERT INTO "events" VALUES(6,'2026-01-02T03:04:05.000000Z','534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','key.issue','key:39bf433c','','null','{"actor":{"personal":"8a62fd2528cc0c9e88a24404d069f62cc92dae652429cb9e9da267015cc314d9"},"expires_at":null}','18ac320405f5deabad5e72d7ac42b62491a4841f89333ced498c7c133dfae86b','7abc4370734c299da1ebce233825637abad2bc82d9e4249e09f1f50c9a810e09','5082b68255d4c0d8e7687a3dcebc4b66fb5c0d183f655136309d11d83da4c47fa327990a74d60c1dcb8281e5e4b0023ed7b67d5386120abb37f998c57f4b070f');
INSERT INTO "events" VALUES(7,'2026-01-02T03:04:05.000000Z','ee920f5cc8dfcd645dc3a0e18d66cf02046a1d0fdac50eba2322c66d977e8e73','project.create','project:risk','','null','{"name":"risk"}','7abc4370734c299da1ebce233825637abad2bc82d9e4249e09f1f50c9a810e09','73c929221a9935978ab9af87f78506958453def3e8cfcb73b9dbd32cc5cb392c','a9d97f7fa507d25a3105414103460563b416c0dbba3a97449257812f87580941a20017deae696f976a2eede5949a9ec555ffab395dc9d540de36db5e0ee61b02');
INSERT INTO "events" VALUES(8,'2026-01-02T03:04:05.000000Z','8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','model.create','model:fraud','','null','{"project":"default"}','73c929221a9935978ab9af87f78506958453def3e8cfcb73b9dbd32cc5cb392c','be7b9266c1e80d2282eed6765c3a9ec493a6d6d6b71ac5a467fab3dc02655a18','79dcaac96b50f9a9378504ae1fd7e50f2ed1d9d36f4d2e8527fab201eb2980ba91cb5e1bfdfb2b9c580b829ed94abbe5b7f10911b5fce779882ba418d5b6e402');
INSERT INTO "events" VALUES(9,'2026-01-02T03:04:05.000000Z','8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','version.register','version:fraud:1','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291","signed_by":"","state":"pending"}','be7b9266c1e80d2282eed6765c3a9ec493a6d6d6b71ac5a467fab3dc02655a18','fc65af0e96e8125cf4c5c5131e322b2005050cc57edadac9eed7dfd9ca35be7f','11650a27ba6bbf1398bec4b88c9522fdcc7dc0051fa1b1bb3010d9596c26aa59911a88b6e839965413fc2605e7dfe48d626f922a6d87be7c2e7a24b397aa1805');
INSERT INTO "events" VALUES(10,'2026-01-02T03:04:05.000000Z','8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','version.register','version:fraud:2','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"eb8ec3a340bdae51a078b128bd72d14a80d8434a63120063d131f5df318a05e8","signed_by":"","state":"pending"}','fc65af0e96e8125cf4c5c5131e322b2005050cc57edadac9eed7dfd9ca35be7f','7548d03bb1e8d2f1b9926d3e30d02aeb5a946770a4d3a55945e0062f6ff64bd5','55111178478b69d804d01f522d025e421c29f198a66a75d8964ec96d8d154da9e4ba4ffd85451977e2acebeba5f6b192f1def0695943663254bca7779eacfd0e');
INSERT INTO "events" VALUES(11,'2026-01-02T03:04:05.000000Z','ee920f5cc8dfcd645dc3a0e18d66cf02046a1d0fdac50eba2322c66d977e8e73','alias.set','model:fraud','','{"alias":"champion","version":null}','{"alias":"champion","version":1}','7548d03bb1e8d2f1b9926d3e30d02aeb5a946770a4d3a55945e0062f6ff64bd5','7e74c2fc5d042f3535e6cdaaff571382060eaaf374407ab05f7d0a4006152bf0','0d4b5b0573ac71c310c86f0e7169de7d87d273e312cef72e28c6e3b0b0e7852f16927963d593301097a93ba34dfcdc9a8f0b618f0931250610164a05f682c305');
INSERT INTO "events" VALUES(12,'2026-01-02T03:04:05.000000Z','ee920f5cc8dfcd645dc3a0e18d66cf02046a1d0fdac50eba2322c66d977e8e73','version.approve','version:fraud:1','51fb32bef391eeaad15c6eaa68eff075447413ca8fc7c49b296268fe90bbba54','{"state":"pending"}','{"state":"approved"}','7e74c2fc5d042f3535e6cdaaff571382060eaaf374407ab05f7d0a4006152bf0','d3e25a4d5a920ddba7db9c5012e74964b2f797ae5b90d3a748039b6543595d65','8c3eaf435c487ca6c679f4a7952fd50b7a219350945e3297439ebefaeeb769bec502bc1267a6c0911d00d5fd10d233d29482b2a07bd0a483564eba3cd9fed80b');
INSERT INTO "events" VALUES(13,'2026-01-02T03:04:05.000000Z','8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','endpoint.create','endpoint:fraud','','{}','{"environment":"staging","project":"default"}','d3e25a4d5a920ddba7db9c5012e74964b2f797ae5b90d3a748039b6543595d65','6764133c01d7964e5ffa2d5751a872288d4a0f27d644a3a0408897069e5caa84','c6ca50803eada5592f60be6b282090322a8ad400dd59f91c7bbb8928811d1c2dc34a15b6ca09e451d89b4cd684115b3f58c6a867fbb2479c1b606c45e0c69803');
INSERT INTO "events" VALUES(14,'2026-01-02T03:04:05.000000Z','8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}','6764133c01d7964e5ffa2d5751a872288d4a0f27d644a3a0408897069e5caa84','fec603f0ee96c779749c8733605b399c8ce06e27f42c9acb7786a8b848bac820','4f82ac19bab31a73190816807c9ae8f983b680ca891489f63f20c0186cc0f5f75e8df92615a81018dc890fc67f3432425fdf91ef4c15f9bc3b39232f652dc10b');
INSERT INTO "events" VALUES(15,'2026-01-02T03:04:05.000000Z','71c1c0f563792f0989eee80cc7a76f180cc274063898a3c0be43f714d680495e','rollout.publish','endpoint:fraud','ba8a27c7638be0d6cbe60a719dff7378647e242914c8e6cb5999cd3ff1c7ab23','{"state":"pending"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}','fec603f0ee96c779749c8733605b399c8ce06e27f42c9acb7786a8b848bac820','2b3f39bc5c711a627bf396ffd32c9eb63eb26cf3185450b1d820530245dff3f0','dd04005541fafbb21b0d72550fb8cef4dff859151e5bf6adf241a162e7611a9f5c9a0b1c57baeb200dc1b3a99b7944baeac33ed6f9281c5b8db8e9f4ccb7340f');
INSERT INTO "events" VALUES(16,'2026-01-02T03:04:05.000000Z','71c1c0f563792f0989eee80cc7a76f180cc274063898a3c0be43f714d680495e','rollout.verify','endpoint:fraud','94531e976a476be2fbc1621fae5d78bace82bb92bb1a7d12690ca9f6bbe5e12f','{"state":"loading"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}','2b3f39bc5c711a627bf396ffd32c9eb63eb26cf3185450b1d820530245dff3f0','fadc1b2aa32182e950f19209e049533d04c55e61016a3ce3cebfe05b30d8bb98','5054a15387c8833953c4317386a25dee9bbdd770f0c2020194a845a62c83e6cf286bf9aff7cda8a62e190c3cf8e32ed411586736ee9621cf61e43f447afced0d');
INSERT INTO "events" VALUES(17,'2026-01-02T03:04:05.000000Z','71c1c0f563792f0989eee80cc7a76f180cc274063898a3c0be43f714d680495e','rollout.promote','endpoint:fraud','5c83465065cb65412944118c0714fd4ea68a15b4cb5d72c8c43d9877d7e032f3','{"state":"verifying"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}','fadc1b2aa32182e950f19209e049533d04c55e61016a3ce3cebfe05b30d8bb98','3001c8e9aa17b79f545350e12a3163000748395b175caaeeef8d442055ec373b','23f631d711892ace49dbcdd57467ddee41aefa60e4fb72591ea98d8d0f5cf8de39e38eb6650d74edaf15e608335ee37f381cdaa0af4391df1c711dbcfa8fa30e');
INSERT INTO "events" VALUES(18,'2026-01-02T03:04:05.000000Z','8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}','3001c8e9aa17b79f545350e12a3163000748395b175caaeeef8d442055ec373b','4c105464e13214b3ed630b378283b5a43fc9f203b815b392b753093592db770e','2ac12e8397a6acdebd1d762d312ab528879591efb5fd187a01decd520978e600701aaf67f996b7f9c8c82fc48e99b7df7b2974e4eb51fefce196f65171942e08');
CREATE TABLE grants (
	actor_id VARCHAR(32) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	environment VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (actor_id, role, project, environment), 
	CONSTRAINT fk_grants_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "grants" VALUES('91bf05c7622353e2','admin','*','*');
INSERT INTO "grants" VALUES('140f8e770e2bbc7d','node','*','*');
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
INSERT INTO "instance" VALUES('salt','af2bb06b6a76215f9588e75e130e125a8afb7d99e72861040e2760dc62721caf');
INSERT INTO "instance" VALUES('id','6c94ba2c44a959ad');
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
INSERT INTO "ledger_head" VALUES(1,18,'4c105464e13214b3ed630b378283b5a43fc9f203b815b392b753093592db770e');
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
INSERT INTO "personal_texts" VALUES('534f4e1b162be236f00a47846eb44dad8750f3020f5321622a37c56a45e938e2','actor',X'56094442EF23190AF25E8FC60CCD162A','headgate');
INSERT INTO "personal_texts" VALUES('b1367d11e6409cbcd02465ed9aacae70d4b0093f90ed571c9ac5b4ab5f9b1d7c','value',X'F07BBD0246D07135040644009DFFAE83','local');
INSERT INTO "personal_texts" VALUES('6eb268776a88dd5efbbc44974c7958231f4e1da685b2902443ad5f49a554c05e','value',X'17A8EF23816C7FC3C6D9B1573AC41032','node');
INSERT INTO "personal_texts" VALUES('741afff7b34def6fb4d59b20087526beb89adae104cbbc56defc6abbb5e2b4ce','value',X'9D4D0B28FF7104CAF82946943D5E2248','local');
INSERT INTO "personal_texts" VALUES('8a62fd2528cc0c9e88a24404d069f62cc92dae652429cb9e9da267015cc314d9','value',X'73D389B6FC5A5BE46265A8149F1475F1','node');
INSERT INTO "personal_texts" VALUES('ee920f5cc8dfcd645dc3a0e18d66cf02046a1d0fdac50eba2322c66d977e8e73','actor',X'83368FBAC1B38715CB2A80FA0090668A','local');
INSERT INTO "personal_texts" VALUES('8ab5c84580ef0e184dd41f9002fef850a5df7059bc9f59687168818ac81994b3','actor',X'297ED3A53CE08FD40DE0973D08A6F150','ann');
INSERT INTO "personal_texts" VALUES('51fb32bef391eeaad15c6eaa68eff075447413ca8fc7c49b296268fe90bbba54','reason',X'A72A9670A25E7EE2E86C1CDBE62C28F6','sound');
INSERT INTO "personal_texts" VALUES('71c1c0f563792f0989eee80cc7a76f180cc274063898a3c0be43f714d680495e','actor',X'7DF96980A42D4B7BD090ABE6E5A2C2B1','controller');
INSERT INTO "personal_texts" VALUES('ba8a27c7638be0d6cbe60a719dff7378647e242914c8e6cb5999cd3ff1c7ab23','reason',X'9825ACAED894EBCF3D950238E6675EEE','handed to the nodes');
INSERT INTO "personal_texts" VALUES('94531e976a476be2fbc1621fae5d78bace82bb92bb1a7d12690ca9f6bbe5e12f','reason',X'E4B35DA6C01ECF58AA1283EE86E30110','acknowledged by here/w0, here/w1');
INSERT INTO "personal_texts" VALUES('5c83465065cb65412944118c0714fd4ea68a15b4cb5d72c8c43d9877d7e032f3','reason',X'C04D595F182B9AACCA1B66E848EC966E','acknowledged by here/w0, here/w1');
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
INSERT INTO "rollouts" VALUES('r-00000001','fraud',NULL,'fraud:1','all-at-once','{"force": false}','promoted','acknowledged by here/w0, here/w1','[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}, {"state": "loading", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "handed to the nodes"}, {"state": "verifying", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}, {"state": "promoted", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}]','[{"kind": "table", "epoch": 1, "generation": 1}, {"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {"approval": "approved"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud is new and takes its contract from fraud:1.", "evidence": {}, "binding": true, "forced": false}, {"kind": "acknowledgement", "living": ["here/w0", "here/w1"], "acknowledged": ["here/w0", "here/w1"], "failures": [], "seconds": 0.0}]','ann','2026-01-02T03:04:05.000000Z','2026-01-02T03:04:05.000000Z',4);
INSERT INTO "rollouts" VALUES('r-00000002','fraud','fraud:1','fraud:2','all-at-once','{"force": false}','pending','','[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}]','[{"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:2 is pending.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "wait", "reason": "fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason \u2026`.", "evidence": {"approval": "pending"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud:2 takes the contract of fraud.", "evidence": {}, "binding": true, "forced": false}]','ann','2026-01-02T03:04:05.000000Z',NULL,1);
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
INSERT INTO "route_tables" VALUES('fraud',1,1,'{"format":1,"endpoint":"fraud","epoch":1,"generation":1,"contract":{"inputs":[{"name":"age","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}],"outputs":[{"name":"predictions","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}]},"contract_version":1,"task":"regression","classes":[],"variants":[{"version":"fraud:1","digest":"3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291","role":"stable","weight":100,"form":"onnx","placement":"inline"}],"project":"default","environment":"staging","spec":{"limits":{"timeout_ms":30000,"max_rows":10000,"max_body_bytes":16777216,"concurrency":1024,"queue":4096,"requests_per_second":0.0,"burst":0},"unseen_category":"accept","out_of_range":"accept","record_sampling":1.0,"cache_entries":0,"fallback":""}}','2026-01-02T03:04:05.000000Z','r-00000001');
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
INSERT INTO "versions" VALUES('fraud',1,'3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291','{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":1.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'','approved','2026-01-02T03:04:05.000000Z','ann');
INSERT INTO "versions" VALUES('fraud',2,'eb8ec3a340bdae51a078b128bd72d14a80d8434a63120063d131f5df318a05e8','{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":2.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'','pending','2026-01-02T03:04:05.000000Z','ann');
CREATE INDEX ix_events_actor ON events (actor);
CREATE INDEX ix_events_object ON events (object);
CREATE INDEX ix_personal_texts_kind ON personal_texts (kind);
CREATE INDEX ix_idempotency_keys_at ON idempotency_keys (at);
CREATE INDEX ix_access_keys_actor_id ON access_keys (actor_id);
CREATE INDEX ix_rollouts_endpoint_started_at ON rollouts (endpoint, started_at);
CREATE UNIQUE INDEX uq_rollouts_active ON rollouts (endpoint) WHERE ended_at IS NULL;
CREATE INDEX ix_route_tables_endpoint_at ON route_tables (endpoint, at);
COMMIT;
