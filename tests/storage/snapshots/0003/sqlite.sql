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
INSERT INTO "access_keys" VALUES('b011d359','e50cad637bc7c96aa1126c9602a80d6f8afac8673e59b158cd5c38df1c01b641','e993089457de6cb9','this machine','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0);
INSERT INTO "access_keys" VALUES('4145dea3','c10bd1762e35318faa043d2313bc3490fe34a8babb76f3f7a4b21b306e9f1fc9','ee956992b00013b7','agent','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0);
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
INSERT INTO "actors" VALUES('e993089457de6cb9','local','local','service','2026-01-02T03:04:05.000000Z',NULL);
INSERT INTO "actors" VALUES('ee956992b00013b7','node','node','service','2026-01-02T03:04:05.000000Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
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
INSERT INTO "events" VALUES(1,'2026-01-02T03:04:05.000000Z','a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','actor.create','actor:e993089457de6cb9','','null','{"kind":"service","name":{"personal":"18f3d5c379c8aa43323a59fb99b2eed86ca865b6e4ae3e42282c58f762fae2d4"}}','0000000000000000000000000000000000000000000000000000000000000000','c1e80760d2c142f5a014cf0de0cce0e3c533c15de5f801c556c0a093987612b8','3c03565a3a8ea32829f844d5647b5d956edc16b30bd6770f08568363a93f4ecb6c981357551637a209382844dfa4f6a6267f1517185ce655b06147af8b3d6c09');
INSERT INTO "events" VALUES(2,'2026-01-02T03:04:05.000000Z','a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','actor.grant','actor:e993089457de6cb9','','null','{"environment":"*","project":"*","role":"admin"}','c1e80760d2c142f5a014cf0de0cce0e3c533c15de5f801c556c0a093987612b8','459fbbe64b7b20f3570ac8e01d313a82d2392c3e05f13775efc7bdad7c21dbf2','d7cd0087fa4e2a71af83bcbcfb6fcb7e593ee90626ec6dc97449659f8661be4c4eab3a9b64e4287c66d2b93ac87dd065672601c59a46cf3f80ecda77de8bbd0a');
INSERT INTO "events" VALUES(3,'2026-01-02T03:04:05.000000Z','a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','actor.create','actor:ee956992b00013b7','','null','{"kind":"service","name":{"personal":"808d9770bf8693966f88e1b5fc22737fb6b16b249d67a5990d3df5ccbcf6b4cd"}}','459fbbe64b7b20f3570ac8e01d313a82d2392c3e05f13775efc7bdad7c21dbf2','07ab8a639e23f3f9a90b011ebcaa47d410d41d5d95dfd65ccb3e8b280cd6142d','7f84530bdbf578521da828a3f9d62a8257722dfc802c15962721a9ee733c83625f7dea35125030b20d9986ba796995a11f6aa70699c50a48af5f4ac8c859560b');
INSERT INTO "events" VALUES(4,'2026-01-02T03:04:05.000000Z','a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','actor.grant','actor:ee956992b00013b7','','null','{"environment":"*","project":"*","role":"node"}','07ab8a639e23f3f9a90b011ebcaa47d410d41d5d95dfd65ccb3e8b280cd6142d','ec30d8290b76c04f2f605c0b3bf6da5c5318cade2f37a7c0fa8a5e341273e8df','7119de37e60cb039e637443daded0f2a8cbe136877af8dfe75f8e4e3c883c008736aed5b6ff77d7927527bc01165c820359b0c7ef7c6ccf8d7378a6f48473409');
INSERT INTO "events" VALUES(5,'2026-01-02T03:04:05.000000Z','a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','key.issue','key:b011d359','','null','{"actor":{"personal":"ffec45699e707f7131baf77b258cd6959a00a91b057a3d875359bd51d2df321a"},"expires_at":null}','ec30d8290b76c04f2f605c0b3bf6da5c5318cade2f37a7c0fa8a5e341273e8df','ad92e56de8ce90b535451285321f6ab0a09fd91851894036e95c53526a9333f0','259b06cce559a57fc590a5bbfecff5360327bbff3b89328912ebf3ec22e2a5696ff824755c2f45b1a8291b56140edb711220db61379f972397220bc0b04cee06');
INSERT INTO "events" VALUES(6,'2026-01-02T03:04:05.000000Z','a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','key.issue','key:4145dea3','','null','{"actor":{"personal":"8953bad074f3f31f0064ff15bdabafd4a20dae819712507895e036fd061f01f1"},"expires_at":null}','ad92e56de8ce90b535451285321f6ab0a09fd91851894036e95c53526a9333f0','f4a51b204e1021c5ce5df02a23b61d782a50f02036e006cad0f6585a63365772','f72eed822b0e0919661d641709ac0892613da0d0399df1a062be79fae3256a6bc815b21f6ca7680da0d81b69e2098e51e7e48814fbe4a2f8c546a44c2428bb07');
INSERT INTO "events" VALUES(7,'2026-01-02T03:04:05.000000Z','25b71d86ecbaf56609ecf53a67ece19b70cf74df041d833176c8a6588be6fe88','project.create','project:risk','','null','{"name":"risk"}','f4a51b204e1021c5ce5df02a23b61d782a50f02036e006cad0f6585a63365772','fdffbf0413c7f6f7cea10d884cbb27db088d3a4a14d3943424748f110aa43666','901606cc9bd2a3e1bfa4105b10c3f24a1619fb164be393467608934dbc7b3d73a9519eec567be977065fe5de462c6b9535325684f70056ef3965709d2f45af07');
INSERT INTO "events" VALUES(8,'2026-01-02T03:04:05.000000Z','2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','model.create','model:fraud','','null','{"project":"default"}','fdffbf0413c7f6f7cea10d884cbb27db088d3a4a14d3943424748f110aa43666','c1651e021cdb8b4f2e114e759d7ca216d80da947a70b2a922456ebbdcc0a4601','9483f4f86a96a9227f562453109dee417fd0eb342cba4dbfc310bafc18eaa45fb9995cdb0d2c52beb0e561bc63e92729572b0bfd72757477e284d76c967e870b');
INSERT INTO "events" VALUES(9,'2026-01-02T03:04:05.000000Z','2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','version.register','version:fraud:1','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291","signed_by":"","state":"pending"}','c1651e021cdb8b4f2e114e759d7ca216d80da947a70b2a922456ebbdcc0a4601','617787425dac9316c9162aee8f6d52e98a161919ae1572f56ed3378819d55642','8adbde6f2e1f7001aa2830d612c64daf485dcc5ee6cfd26988b9840554a524b297512043445aab7faef3c51e51c8b5f1dc5458bc1c1dfff6ac1463830d9bbb06');
INSERT INTO "events" VALUES(10,'2026-01-02T03:04:05.000000Z','2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','version.register','version:fraud:2','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"eb8ec3a340bdae51a078b128bd72d14a80d8434a63120063d131f5df318a05e8","signed_by":"","state":"pending"}','617787425dac9316c9162aee8f6d52e98a161919ae1572f56ed3378819d55642','bb1f8161157773e389790dad6612a0f76ef2f54abcf833be26e965379a53438e','4501f0551ff13491fa1aef1aaa93a0cb50cb22e0cc19f6c7d3e569806ac16b117bb069004b89810e86d652cb880f2eaf4e954a211fd76a9cf53811386d8d130a');
INSERT INTO "events" VALUES(11,'2026-01-02T03:04:05.000000Z','25b71d86ecbaf56609ecf53a67ece19b70cf74df041d833176c8a6588be6fe88','alias.set','model:fraud','','{"alias":"champion","version":null}','{"alias":"champion","version":1}','bb1f8161157773e389790dad6612a0f76ef2f54abcf833be26e965379a53438e','fd56886ae6f9a2898090e378c5c556bfa31398c83c17e78bc2a949ee7848155f','9b08ef9a8d9a7dfca344db716b49af4a7db20df1fcbf8dee3582e77898eb9c068db4d347d64e11ca3fe5a35d1e71ffded5b0b61c91770b6c04115855a863650a');
INSERT INTO "events" VALUES(12,'2026-01-02T03:04:05.000000Z','25b71d86ecbaf56609ecf53a67ece19b70cf74df041d833176c8a6588be6fe88','version.approve','version:fraud:1','6cdd9c800e8bc7c32f7192a991d232a553208c9a5209de2737fb91c0a8e6ad14','{"state":"pending"}','{"state":"approved"}','fd56886ae6f9a2898090e378c5c556bfa31398c83c17e78bc2a949ee7848155f','4d1821471b8792a4ef1dd4d8ed22038c90ad92850e819cb9af8d7bd71c5411e3','fdd5495439d3224c4582fb59e3e4bf593eab82cc6f99189cac3c5f1794cfee91eb53fa9574cdda2816e227aad09161839e1976c30af9c87b937991db47e6f20c');
INSERT INTO "events" VALUES(13,'2026-01-02T03:04:05.000000Z','2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','endpoint.create','endpoint:fraud','','{}','{"environment":"staging","project":"default"}','4d1821471b8792a4ef1dd4d8ed22038c90ad92850e819cb9af8d7bd71c5411e3','ebe62499ded95598dde221328c8299b98c52d34432d3236f8bc5ec6ed6389cd3','4c3a2ca40dfd035626d8fc6e5b8e4e7047f9a68e53950c08839cc473df5a84beade9474bd1462007449a5dc09188240cc2f477c467f6b558d54165bc415db907');
INSERT INTO "events" VALUES(14,'2026-01-02T03:04:05.000000Z','2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}','ebe62499ded95598dde221328c8299b98c52d34432d3236f8bc5ec6ed6389cd3','02721962618fb4ddba6d85eddb6ce5523de80aa965f73f3786e3ecd891c76845','7e3ab7e7b5a665850ec2198dd28b4ff7d3c38c9588689dbafbe6821e8e90d20a3967abeed1bca4fb084c9010454161a4899ac19ba9f39db23ddc4b4768efea09');
INSERT INTO "events" VALUES(15,'2026-01-02T03:04:05.000000Z','3b804dbf71d59a1a800d31b206ee9c62f3a2da1be28c203bb8c34415774f3e53','rollout.publish','endpoint:fraud','0902b34cb4e90b04ffabee1a0088a93d6da39be6ea0845b72ab4b829b64a229e','{"state":"pending"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}','02721962618fb4ddba6d85eddb6ce5523de80aa965f73f3786e3ecd891c76845','37d2b4b9e770b8ecf34d117e5cdeb746c0f4113ece8ca10b5c9e7b20b5faa4ef','2d82c06962cb95beaa2f994109164af2f241d513574fcd7020b32b48b07c28d8441acc8e4022f73296a0d32e251410ddb362b89268628959bb73d125cddb270b');
INSERT INTO "events" VALUES(16,'2026-01-02T03:04:05.000000Z','3b804dbf71d59a1a800d31b206ee9c62f3a2da1be28c203bb8c34415774f3e53','rollout.verify','endpoint:fraud','e23557397d917fe58321b103e576e07b35a3109622fdcaac4ea9256c33efdc10','{"state":"loading"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}','37d2b4b9e770b8ecf34d117e5cdeb746c0f4113ece8ca10b5c9e7b20b5faa4ef','130a74cd3c5680feff78fb6b20c09f2bc263778305bb5580b5b57a35711ec0f3','475f3b21b507b963a4c68f41160a93011895b163c7516a592aed6072c1abe300a1ea9c8b451d0a31a39e018d738348775f8df1e96be61122301937ee01fbde03');
INSERT INTO "events" VALUES(17,'2026-01-02T03:04:05.000000Z','3b804dbf71d59a1a800d31b206ee9c62f3a2da1be28c203bb8c34415774f3e53','rollout.promote','endpoint:fraud','ed0efbc7fb2be6ced15888fe4d0d84c415df16683198f984afafaa947e323663','{"state":"verifying"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}','130a74cd3c5680feff78fb6b20c09f2bc263778305bb5580b5b57a35711ec0f3','376367f182d47c779668268385915a7074634132d153cf87b8e1c216356ae3d9','bcb5c84ec137d36ee10826909acaff26b9b0e9f23e24887c6d2a94914c41674f14ca147bda454c427984a09d1f3fe529c2a1e297c757e3052a758e7600c8550a');
INSERT INTO "events" VALUES(18,'2026-01-02T03:04:05.000000Z','2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}','376367f182d47c779668268385915a7074634132d153cf87b8e1c216356ae3d9','fb1931db7fbf2f2461016cbc1271e96c90867eeabf8b6951e6cb7d9cd87b6942','fe4a30458d10a742dcc973a06c75ac8784a6dd8f1855140669df62f5d879b1c6377c5518133395d18b02af80a6e94855c2b1e149a8a60c536f580c50e2e5720c');
CREATE TABLE grants (
	actor_id VARCHAR(32) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	environment VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (actor_id, role, project, environment), 
	CONSTRAINT fk_grants_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "grants" VALUES('e993089457de6cb9','admin','*','*');
INSERT INTO "grants" VALUES('ee956992b00013b7','node','*','*');
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
INSERT INTO "instance" VALUES('salt','7531a373a969d5c0dfebd7ebfd1f4517418d7a3268f413e53856ff04efe31303');
INSERT INTO "instance" VALUES('id','b64e2e09e510cc33');
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
INSERT INTO "ledger_head" VALUES(1,18,'fb1931db7fbf2f2461016cbc1271e96c90867eeabf8b6951e6cb7d9cd87b6942');
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
INSERT INTO "personal_texts" VALUES('a6c34a04957788f730e7f3bbbb771bf14d179ba6049887b737af410d8f43d14d','actor',X'2A30FC4FF1ED4E30EB794FD4A9CFB27A','headgate');
INSERT INTO "personal_texts" VALUES('18f3d5c379c8aa43323a59fb99b2eed86ca865b6e4ae3e42282c58f762fae2d4','value',X'3B4F7E473E4DEED7EFA55D8A51749709','local');
INSERT INTO "personal_texts" VALUES('808d9770bf8693966f88e1b5fc22737fb6b16b249d67a5990d3df5ccbcf6b4cd','value',X'4A64D92A8730BA08B44BBECB1F3AF8F9','node');
INSERT INTO "personal_texts" VALUES('ffec45699e707f7131baf77b258cd6959a00a91b057a3d875359bd51d2df321a','value',X'783386AF15F5CF077DFE71D55FF10D73','local');
INSERT INTO "personal_texts" VALUES('8953bad074f3f31f0064ff15bdabafd4a20dae819712507895e036fd061f01f1','value',X'65B172FB224C645BCD5742BEDA0E2E8E','node');
INSERT INTO "personal_texts" VALUES('25b71d86ecbaf56609ecf53a67ece19b70cf74df041d833176c8a6588be6fe88','actor',X'D088B7AE5314FCA3FA7B16D826365843','local');
INSERT INTO "personal_texts" VALUES('2a3464014129c49d2be0a6b5cfd82705e3ed72558363875c36aa357255ad0ff0','actor',X'8DEA014A56AE551982687801636674F1','ann');
INSERT INTO "personal_texts" VALUES('6cdd9c800e8bc7c32f7192a991d232a553208c9a5209de2737fb91c0a8e6ad14','reason',X'3AD4F643D3F965D0DF04F5F342024BF8','sound');
INSERT INTO "personal_texts" VALUES('3b804dbf71d59a1a800d31b206ee9c62f3a2da1be28c203bb8c34415774f3e53','actor',X'B53CC311D97159C68475F36F9A9B66AC','controller');
INSERT INTO "personal_texts" VALUES('0902b34cb4e90b04ffabee1a0088a93d6da39be6ea0845b72ab4b829b64a229e','reason',X'9C7909CCC3DEC3B30FF07808DBA8C59F','handed to the nodes');
INSERT INTO "personal_texts" VALUES('e23557397d917fe58321b103e576e07b35a3109622fdcaac4ea9256c33efdc10','reason',X'465C62462FA308AD4C63DA05DF2AC1F8','acknowledged by here/w0, here/w1');
INSERT INTO "personal_texts" VALUES('ed0efbc7fb2be6ced15888fe4d0d84c415df16683198f984afafaa947e323663','reason',X'ED98AE0337DE62908D44177455D83E75','acknowledged by here/w0, here/w1');
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
