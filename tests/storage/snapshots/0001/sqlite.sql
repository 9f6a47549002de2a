BEGIN TRANSACTION;
CREATE TABLE access_keys (
	id VARCHAR(16) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	actor_id VARCHAR(32) NOT NULL, 
	note TEXT NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	created_by VARCHAR(128) NOT NULL, 
	expires_at VARCHAR(27), 
	revoked_at VARCHAR(27), 
	CONSTRAINT pk_access_keys PRIMARY KEY (id), 
	CONSTRAINT fk_access_keys_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "access_keys" VALUES('0ad975df','23d81bbc1e53f1354a6e20f3c7ef5e62bc0f128b2095e1bcbb4d0d98a03ab058','13d5046cbc3a5fe2','this machine','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL);
INSERT INTO "access_keys" VALUES('3aa59d61','522ab6ccb04d1f58a66a6b1f0da7288572d9fc75af63d670c2fab489d4187b28','c99f1fe9db97ff11','agent','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL);
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
INSERT INTO "actors" VALUES('13d5046cbc3a5fe2','local','local','service','2026-01-02T03:04:05.000000Z',NULL);
INSERT INTO "actors" VALUES('c99f1fe9db97ff11','node','node','service','2026-01-02T03:04:05.000000Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
INSERT INTO "events" VALUES(1,'2026-01-02T03:04:05.000000Z','63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','actor.create','actor:13d5046cbc3a5fe2','','null','{"kind":"service","name":{"personal":"65ee3442d829a086ca925243d979543ea6cd4d52d63bfe16bee674a39f8a25c6"}}','0000000000000000000000000000000000000000000000000000000000000000','0566656e0e150bb96bd9fa2fb640303b087129ba8587c67b28680faa27b0ac79','ddcfe3c8f3017c2d1a4b0c013ef639ea2c1c59783c5e0b0fcaa74c63e21064dfbf99604ac0bcdbf4cb37c19419a2547dbf069be361192112d867b9f76b71d001');
INSERT INTO "events" VALUES(2,'2026-01-02T03:04:05.000000Z','63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','actor.grant','actor:13d5046cbc3a5fe2','','null','{"environment":"*","project":"*","role":"admin"}','0566656e0e150bb96bd9fa2fb640303b087129ba8587c67b28680faa27b0ac79','4ff6a118397fdf011cf5b63924fa0b6d9d3fb085458f5fe21b8a8885a6e795c9','95f05bb10430aa51779b48e2f58362339340b28b5eaf53292cba676222f80a3215df0a4bfb697d34e4cf5c94f2f7cf7ff5ad3befd014fdf220b74b7470d0c40c');
INSERT INTO "events" VALUES(3,'2026-01-02T03:04:05.000000Z','63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','actor.create','actor:c99f1fe9db97ff11','','null','{"kind":"service","name":{"personal":"509683d87f5a02e6f8b606a605405fac999d54ab6df7bde109a7be91a7490f08"}}','4ff6a118397fdf011cf5b63924fa0b6d9d3fb085458f5fe21b8a8885a6e795c9','d1691a2a8e8d9a71e1928c2f93890b9e13f60b44b4fa91da8611ef2555c78ab2','95ecb7de4d3653d2c990bc3229b38a80681fd855d0c8f8906ef6e52b4cc18dd4511b28d5d4c8078818270c5b31637cd63d038c1614ab95d0bce29303f9e2e800');
INSERT INTO "events" VALUES(4,'2026-01-02T03:04:05.000000Z','63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','actor.grant','actor:c99f1fe9db97ff11','','null','{"environment":"*","project":"*","role":"node"}','d1691a2a8e8d9a71e1928c2f93890b9e13f60b44b4fa91da8611ef2555c78ab2','6d74afa39e8dcd7a0f21fe749d468a31969b4530ffc6870152b60223266eeac5','6c39e1c98224517fb788c041cc50c8dd7e2859a45ff5a6c6af39bfae69bb26f6f76329cde96b9d3da124f602780f7bdf3d8c27818c65121418cca46d8fb16a0d');
INSERT INTO "events" VALUES(5,'2026-01-02T03:04:05.000000Z','63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','key.issue','key:0ad975df','','null','{"actor":{"personal":"060c875dbb123365786b33a24b25d5aa42723d51295908d31aa4b6917e18b4ce"},"expires_at":null}','6d74afa39e8dcd7a0f21fe749d468a31969b4530ffc6870152b60223266eeac5','49ae7dc699f9da5443e885e591b9b82f8922b2c6b45565693d7c8c51e3104515','c6ffd0e3cb68f2d499d82f65b0cdede559e11b852b9c4d48273be0c934301fdd60f5042dca54efd7e33474c2fa3130b0f1526948a67882460e6db919a1e3600b');
INSERT INTO "events" VALUES(6,'2026-01-02T03:04:05.000000Z','63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','key.issue','key:3aa59d61','','null','{"actor":{"personal":"b41712a33a6382906199ff1eaf8816f93c9459d462ab1e80652068adbdf62f91"},"expires_at":null}','49ae7dc699f9da5443e885e591b9b82f8922b2c6b45565693d7c8c51e3104515','51506a6ee5300c075ac648f71c9f56bc2ce904aa06bd17b231ce3cd87f258a12','2195f622dbe255f672d81531ffab02b552ba9d5826f2830e342ad5e9728aee310c672199552f312af358e35bd7bc533835efd9c1f26e5c329c854410194d3c0c');
INSERT INTO "events" VALUES(7,'2026-01-02T03:04:05.000000Z','ee6c3b656cbd2d3f28ae7635da277bb08ffa25af8c6574911485827512b84092','project.create','project:risk','','null','{"name":"risk"}','51506a6ee5300c075ac648f71c9f56bc2ce904aa06bd17b231ce3cd87f258a12','040aae4e480ee617793e62da35b4477884bcb70baa6092a8b84b463e0db30b3c','6f4d525565035988724a58db26fa49eac535283088379bc36d69f8dd42b1a21da3a2d37c36723feda9da906a1fd98dfee31c116349d411be88e39a2f18e69e0e');
INSERT INTO "events" VALUES(8,'2026-01-02T03:04:05.000000Z','2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','model.create','model:fraud','','null','{"project":"default"}','040aae4e480ee617793e62da35b4477884bcb70baa6092a8b84b463e0db30b3c','d420d947862b5d07069c8e0daccb9dae44c40375141a757544e58f6e394e0d6d','611296c2a8d595b129e38fe5f2616f5d990c29dc5594e61e84b58dc82e8201b6861427ca09733c1baba66d70e85a19f4272534b9ade0cdd9887ed9836c02770b');
INSERT INTO "events" VALUES(9,'2026-01-02T03:04:05.000000Z','2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','version.register','version:fraud:1','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"948d57e91e10ed248087712078e72013cf40946bd809afae8faa7a54da92542a","signed_by":"","state":"pending"}','d420d947862b5d07069c8e0daccb9dae44c40375141a757544e58f6e394e0d6d','e5dd03610e61994e856644abd4a4d3d3d32d975666d38448ffae7ba9b1d15822','dfad355bcb5f70d64a826cf8eb00c691a3d22d53d74ab97b777305e49b59222e671a5380cb9b22952ab6bb72627a043a86c70cbab287233bf4b9309aea262106');
INSERT INTO "events" VALUES(10,'2026-01-02T03:04:05.000000Z','2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','version.register','version:fraud:2','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"9bd38f4e39718a8446c412c9b131af4febd3a82d4d87566f80e9144be4c6588f","signed_by":"","state":"pending"}','e5dd03610e61994e856644abd4a4d3d3d32d975666d38448ffae7ba9b1d15822','f9b7aa5644959955b1b88ce2ae6a26522f2b05547a070851421932aa6060f1bd','eb606b6f763272132e4499ab99eb7b549002f53b20a6e00b439db5b68407de7fe240b458bebd726b9929f08b685c7074b8ef949679248f8dff6396db243dfd08');
INSERT INTO "events" VALUES(11,'2026-01-02T03:04:05.000000Z','ee6c3b656cbd2d3f28ae7635da277bb08ffa25af8c6574911485827512b84092','alias.set','model:fraud','','{"alias":"champion","version":null}','{"alias":"champion","version":1}','f9b7aa5644959955b1b88ce2ae6a26522f2b05547a070851421932aa6060f1bd','eeb472050f9119b23332f442e8a17e654e5ab5a954ec6403b7c4e176f5d26a99','4967912b2d8de085f9c5c65a0f16146a19c3b001946a0f382ddbd9f4660f4bc394f54f593480668144b7f836f439bcfcde35523ccae955772f693b326f30580b');
INSERT INTO "events" VALUES(12,'2026-01-02T03:04:05.000000Z','ee6c3b656cbd2d3f28ae7635da277bb08ffa25af8c6574911485827512b84092','version.approve','version:fraud:1','06d0655fdf64a29edf2cd25de5a10b94a8808fac7cf15f035b7d36506410838c','{"state":"pending"}','{"state":"approved"}','eeb472050f9119b23332f442e8a17e654e5ab5a954ec6403b7c4e176f5d26a99','989951a0b3a81403b5c608ab49ce5998a250f2c26287c3e5a4189b85619a3a86','055f65ef3e9dd481bd151b1a9b0560e0535299cd04959221acd2b001b872dd876506d3fc19a16faf4640ba4fd133d52004b607b8dbe8c73e459d2b0273890101');
INSERT INTO "events" VALUES(13,'2026-01-02T03:04:05.000000Z','2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','endpoint.create','endpoint:fraud','','{}','{"environment":"staging","project":"default"}','989951a0b3a81403b5c608ab49ce5998a250f2c26287c3e5a4189b85619a3a86','fdabb05ee74c4356774c9b7f4a6d6e7088a7a4bb190952b68a1ed9418d624289','e1d3aae1a4ea87b149aea5d82b4e351787ed844ed88b7e1972a3108e26fe5667ef10cfed52171eb269b3eb8116dab05bf5077932b46df7e78722f8f41449840b');
INSERT INTO "events" VALUES(14,'2026-01-02T03:04:05.000000Z','2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}','fdabb05ee74c4356774c9b7f4a6d6e7088a7a4bb190952b68a1ed9418d624289','2ac7d5650e527b449b1f52ec16b283279fd6f216c6b68fcf4fe4071907852390','eccd157c0eb1ec7db1eaaa13c8a49903ef115ef92b47181797372e7bfb97c4dc247fb25dfd2c764f602cce2463c0095ea1a89ba3a104ade37c3439e99c68cc01');
INSERT INTO "events" VALUES(15,'2026-01-02T03:04:05.000000Z','d01e4f7fe2d06e3a9d64457008cad3f1103decf3649ff2f505625bf0b476ecaf','rollout.publish','endpoint:fraud','4138b640fcc7739527a5dca2c6ffebb08b07a060899f6535fba917c533bdbfc7','{"state":"pending"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}','2ac7d5650e527b449b1f52ec16b283279fd6f216c6b68fcf4fe4071907852390','9da2d1a9d79349daa8844fdcce26e2d57783955995719954e7389cdcebdd31b7','8a46e56faf2fb0bbd790be568247612310830a0d891b58c2b08749ca2d2d4bda57ca6ecc39887335d4c73b268b62b785a4a6143015efa27b9752e1f0663fe901');
INSERT INTO "events" VALUES(16,'2026-01-02T03:04:05.000000Z','d01e4f7fe2d06e3a9d64457008cad3f1103decf3649ff2f505625bf0b476ecaf','rollout.verify','endpoint:fraud','f35ba56533a4bbde765a2d958e61d6026a4078075e9d462d5aef1dd99ca5dd00','{"state":"loading"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}','9da2d1a9d79349daa8844fdcce26e2d57783955995719954e7389cdcebdd31b7','8df3a3a77dab8a74f72422749a5bd59a48c6e08010fdd0a85e4b1d27e6f0fcc9','a79e1c57e3421ca87fad207a439816b954fd38ef84a39d9f0c86eaf229fbf74b51450444ddfc61802450b2724e0d7419598423ec557b627db15a6fc73f7cf509');
INSERT INTO "events" VALUES(17,'2026-01-02T03:04:05.000000Z','d01e4f7fe2d06e3a9d64457008cad3f1103decf3649ff2f505625bf0b476ecaf','rollout.promote','endpoint:fraud','5dc1d5da69f06b43d8379ca073cbce422a285f562a3013b53703171a789b755c','{"state":"verifying"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}','8df3a3a77dab8a74f72422749a5bd59a48c6e08010fdd0a85e4b1d27e6f0fcc9','f48a53b316239266ee40fe0ceb414bec3c72d082ed1fdda1438a3cec01cb918a','d417d83fa17a42a33cb1916ef2e3b003d38138aa214b6cca6a96e6374702cbd216ff0304ff2f90ea66407f5bed154a072237b07d0a98bc3ded3aba5da645dc0e');
INSERT INTO "events" VALUES(18,'2026-01-02T03:04:05.000000Z','2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}','f48a53b316239266ee40fe0ceb414bec3c72d082ed1fdda1438a3cec01cb918a','9794f2cad6502dae2644397fff1c25b307826ecbbe6c243e57de140f2f57cbd6','7d10b0c3e8a659cee7d7748f6c9a21e248a5df3c36da17c5c579ab2ba11b83adef5ab6405209b5d41097875dfaf92467628139aa6975802dc5251218d8541205');
CREATE TABLE grants (
	actor_id VARCHAR(32) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	environment VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (actor_id, role, project, environment), 
	CONSTRAINT fk_grants_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "grants" VALUES('13d5046cbc3a5fe2','admin','*','*');
INSERT INTO "grants" VALUES('c99f1fe9db97ff11','node','*','*');
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
INSERT INTO "instance" VALUES('salt','074db0bb1fb1eb761972f8ae226974c8278ce1e95c34370fd63a1b6e21c8b77d');
INSERT INTO "instance" VALUES('id','b4c96efa10a046b2');
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
INSERT INTO "ledger_head" VALUES(1,18,'9794f2cad6502dae2644397fff1c25b307826ecbbe6c243e57de140f2f57cbd6');
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
INSERT INTO "personal_texts" VALUES('63e28a8a1a49bb40bf17d37415a0a275f477d60b1fb51cc7b6d5db6150bf3a67','actor',X'839617736813772F3EDB7D8471767DD8','headgate');
INSERT INTO "personal_texts" VALUES('65ee3442d829a086ca925243d979543ea6cd4d52d63bfe16bee674a39f8a25c6','value',X'4A6524932971E61AB9A2C587FE609586','local');
INSERT INTO "personal_texts" VALUES('509683d87f5a02e6f8b606a605405fac999d54ab6df7bde109a7be91a7490f08','value',X'8B6119BADC28F7E8FC99B90B4E5B289B','node');
INSERT INTO "personal_texts" VALUES('060c875dbb123365786b33a24b25d5aa42723d51295908d31aa4b6917e18b4ce','value',X'A3B59928EC1BD9CB29BBBC512746A925','local');
INSERT INTO "personal_texts" VALUES('b41712a33a6382906199ff1eaf8816f93c9459d462ab1e80652068adbdf62f91','value',X'A0BA2A537286B629590EC3307601FF69','node');
INSERT INTO "personal_texts" VALUES('ee6c3b656cbd2d3f28ae7635da277bb08ffa25af8c6574911485827512b84092','actor',X'B0F8F9C4FC6BBD0260870E99B3E152A9','local');
INSERT INTO "personal_texts" VALUES('2d2dfb814e6dbe38b17004335e4c4a0a1b2243a936ad99cdf70e20e30f67c044','actor',X'A9AC4D8122FC9010D2620647F02BDA33','ann');
INSERT INTO "personal_texts" VALUES('06d0655fdf64a29edf2cd25de5a10b94a8808fac7cf15f035b7d36506410838c','reason',X'5D8694B9BEBF19070F533C37EB0AFE75','sound');
INSERT INTO "personal_texts" VALUES('d01e4f7fe2d06e3a9d64457008cad3f1103decf3649ff2f505625bf0b476ecaf','actor',X'94FD330935A767D3E5C09130424D34AC','controller');
INSERT INTO "personal_texts" VALUES('4138b640fcc7739527a5dca2c6ffebb08b07a060899f6535fba917c533bdbfc7','reason',X'F0692656FD1A0B6AA021282512C00615','handed to the nodes');
INSERT INTO "personal_texts" VALUES('f35ba56533a4bbde765a2d958e61d6026a4078075e9d462d5aef1dd99ca5dd00','reason',X'0CCA598B93BCCFF8BA2947E6F00B588C','acknowledged by here/w0, here/w1');
INSERT INTO "personal_texts" VALUES('5dc1d5da69f06b43d8379ca073cbce422a285f562a3013b53703171a789b755c','reason',X'8FFA7D9DC6FD55981F6C6AF0A1F21ADE','acknowledged by here/w0, here/w1');
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
INSERT INTO "route_tables" VALUES('fraud',1,1,'{"format":1,"endpoint":"fraud","epoch":1,"generation":1,"contract":{"inputs":[{"name":"age","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"minimum":null,"maximum":null,"shape":[],"example":null}],"outputs":[{"name":"predictions","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"minimum":null,"maximum":null,"shape":[],"example":null}]},"contract_version":1,"task":"regression","classes":[],"variants":[{"version":"fraud:1","digest":"948d57e91e10ed248087712078e72013cf40946bd809afae8faa7a54da92542a","role":"stable","weight":100,"form":"onnx","placement":"inline"}],"project":"default","environment":"staging","spec":{"limits":{"timeout_ms":30000,"max_rows":10000,"max_body_bytes":16777216,"concurrency":1024,"queue":4096,"requests_per_second":0.0,"burst":0},"unseen_category":"accept","out_of_range":"accept","record_sampling":1.0,"cache_entries":0,"fallback":""}}','2026-01-02T03:04:05.000000Z','r-00000001');
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
INSERT INTO "versions" VALUES('fraud',1,'948d57e91e10ed248087712078e72013cf40946bd809afae8faa7a54da92542a','{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":1.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'','approved','2026-01-02T03:04:05.000000Z','ann');
INSERT INTO "versions" VALUES('fraud',2,'9bd38f4e39718a8446c412c9b131af4febd3a82d4d87566f80e9144be4c6588f','{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":2.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'','pending','2026-01-02T03:04:05.000000Z','ann');
CREATE INDEX ix_events_actor ON events (actor);
CREATE INDEX ix_events_object ON events (object);
CREATE INDEX ix_personal_texts_kind ON personal_texts (kind);
CREATE INDEX ix_idempotency_keys_at ON idempotency_keys (at);
CREATE INDEX ix_access_keys_actor_id ON access_keys (actor_id);
CREATE INDEX ix_rollouts_endpoint_started_at ON rollouts (endpoint, started_at);
CREATE UNIQUE INDEX uq_rollouts_active ON rollouts (endpoint) WHERE ended_at IS NULL;
CREATE INDEX ix_route_tables_endpoint_at ON route_tables (endpoint, at);
COMMIT;
