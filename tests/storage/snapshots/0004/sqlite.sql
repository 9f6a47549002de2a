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
INSERT INTO "access_keys" VALUES('a46cc71a','ff63e9067beed00a07ab55a2ca2663436e00eac1d9a30a39d909f74a4b0be4e8','5a3f10b32f8566ad','this machine','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0,'normal');
INSERT INTO "access_keys" VALUES('208ac479','01a63e908c979af43593d7a7cf39157ad1136fafb009b25c25b9af891e764178','31ec7c4692a1a3a0','agent','2026-01-02T03:04:05.000000Z','headgate',NULL,NULL,0.0,0,'normal');
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
INSERT INTO "actors" VALUES('5a3f10b32f8566ad','local','local','service','2026-01-02T03:04:05.000000Z',NULL);
INSERT INTO "actors" VALUES('31ec7c4692a1a3a0','node','node','service','2026-01-02T03:04:05.000000Z',NULL);
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
INSERT INTO "events" VALUES(1,'2026-01-02T03:04:05.000000Z','9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','actor.create','actor:5a3f10b32f8566ad','','null','{"kind":"service","name":{"personal":"3984ae62503af6eef9c377db8eda85945887d369fce52c7201209bdc97416054"}}','0000000000000000000000000000000000000000000000000000000000000000','96962eacb020d62828718d6e151edc137d7b399b775a2a13f1f449fad6174105','85ea403ddb9a46205fe3e57aa80a113427cc8026a7491d1953a30b5dc983ea7110c42ebcb58ad21deab444ce4ce8e3d2171dd7017df37a2101d8364f40436405');
INSERT INTO "events" VALUES(2,'2026-01-02T03:04:05.000000Z','9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','actor.grant','actor:5a3f10b32f8566ad','','null','{"environment":"*","project":"*","role":"admin"}','96962eacb020d62828718d6e151edc137d7b399b775a2a13f1f449fad6174105','9847b13e1d186e89922e95ede10e7171a439600e5bf4b25ec055eebb10111bb6','dbe5d1dbe52b2b3c4fb848b1eddc0c0b28fd8eb2b8d2b761638015a9c6fed4033276b6b92e958c609b40a51d402a538e659c8b51de86fc53028efd215826ab04');
INSERT INTO "events" VALUES(3,'2026-01-02T03:04:05.000000Z','9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','actor.create','actor:31ec7c4692a1a3a0','','null','{"kind":"service","name":{"personal":"053d465942894691e2cfffb13d8b5f2642d6f1b53f37a3aec6e42ac51d4fe7f9"}}','9847b13e1d186e89922e95ede10e7171a439600e5bf4b25ec055eebb10111bb6','0920647b9adad346eb656e2240c86b6876ab727406a558cc55e8942d2ffb98a4','419c15360b7977e376b016f7a4603a62c3fa963165a713274c5218459a697a108afa2ac2e71538c92f92180aa00738553aa1671ada6df3fdb03b86d29a48fc0a');
INSERT INTO "events" VALUES(4,'2026-01-02T03:04:05.000000Z','9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','actor.grant','actor:31ec7c4692a1a3a0','','null','{"environment":"*","project":"*","role":"node"}','0920647b9adad346eb656e2240c86b6876ab727406a558cc55e8942d2ffb98a4','21da56b10d541c7a53903559506fc038f92e6cb3efb81b1317726d01b58c8d0e','c32322b9f53961491a813c6af8d4c3988975dafdb4eecfeb4d38d9a1a8383132389916f1f105082426523eab136c196f01894a0686d7bd40d6c8e6edacd2af08');
INSERT INTO "events" VALUES(5,'2026-01-02T03:04:05.000000Z','9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','key.issue','key:a46cc71a','','null','{"actor":{"personal":"4becfab41f8f8417abf0d3892a40111ff50de3bd41bf3ce48e9850fd7ba6eb8b"},"expires_at":null}','21da56b10d541c7a53903559506fc038f92e6cb3efb81b1317726d01b58c8d0e','2e7bac0bd66b7eb45b1e0a966e81949ae24c87c142281b7a058dd8e8ba655c5c','51b77e42a913d7181952a2e962d10b76745292c017b412914e99678285f136adbb40dadf30db120b51dbf40eec716bfa036a0d38f0d5d03eb6017bf738a28109');
INSERT INTO "events" VALUES(6,'2026-01-02T03:04:05.000000Z','9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','key.issue','key:208ac479','','null','{"actor":{"personal":"8470a29eab90505f8b9e86373377190b75383cf47f2d8b025d59ce233ede3310"},"expires_at":null}','2e7bac0bd66b7eb45b1e0a966e81949ae24c87c142281b7a058dd8e8ba655c5c','e73a1d77604c857101a00e972e439943224f5c6196897004d4a278e02154fd8c','19c2388d9a98c37d95f1cd11115659cd9cfe11ef751e454bb512e5b501457bc68132e1f8489ec7338d54ef7b0a8e77bbbafa8ef5144239c698b4afb6f904d702');
INSERT INTO "events" VALUES(7,'2026-01-02T03:04:05.000000Z','e72fa8f7e93cd247f3ebbee1ab8cccdeb1aebda165f3e5cfa28ed1d91958d007','project.create','project:risk','','null','{"name":"risk"}','e73a1d77604c857101a00e972e439943224f5c6196897004d4a278e02154fd8c','7fdb163d5671f845ea54e3356e2eb6b153abc5dc95f9f0ad92e1fcec7d18ae44','e155dc462f097faff7361ee11555f379e5fbb3c322eba56d53fc5dbd4bbde0315e81ab73f3cf8671aca5141531fcae535f6073c1e0b816787f78033e900f6007');
INSERT INTO "events" VALUES(8,'2026-01-02T03:04:05.000000Z','0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','model.create','model:fraud','','null','{"project":"default"}','7fdb163d5671f845ea54e3356e2eb6b153abc5dc95f9f0ad92e1fcec7d18ae44','2d39a9da51a15e529f061c0716b840b07fe459ca4dab6be2e81fd9cceaa2a4d6','306b9ab34956522271194317dc1c304852c52aaa80aa4134cc2913576ea33efff1d9e4667a9018395d7ea4511ac755b326910b9edd41de22ef84583567dfd609');
INSERT INTO "events" VALUES(9,'2026-01-02T03:04:05.000000Z','0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','version.register','version:fraud:1','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098","signed_by":"","state":"pending"}','2d39a9da51a15e529f061c0716b840b07fe459ca4dab6be2e81fd9cceaa2a4d6','c626fb8564171f00c0c1a95ee3632da3837a4d3aaddce1f1dd8e546bbf94b0dd','3f19f68da191451f4a34b63490ed7e36a8f569dd6cf2ee626831d90d75ad06c51be2a6bb761d56cbf70536150e02acb3ee005ec3c68c24c7d1145ccc51d09a01');
INSERT INTO "events" VALUES(10,'2026-01-02T03:04:05.000000Z','0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','version.register','version:fraud:2','','null','{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"bc4daac8cd8e41a8b074303eb05117daead219146608ecb8682395a1449b9155","signed_by":"","state":"pending"}','c626fb8564171f00c0c1a95ee3632da3837a4d3aaddce1f1dd8e546bbf94b0dd','0a07b3f8c3a26b66762558d775997e80c17d1cd0349a6658db95ef9bab7b431a','f671ad5c8d82c8631ef3cbf447ca9d33c01f4e70d0ae68fc3ffe7019057b3f320b2ac9542cfc5ff5544e1739248d42d5edd38477dc04ee4e018cc9ab6458640c');
INSERT INTO "events" VALUES(11,'2026-01-02T03:04:05.000000Z','e72fa8f7e93cd247f3ebbee1ab8cccdeb1aebda165f3e5cfa28ed1d91958d007','alias.set','model:fraud','','{"alias":"champion","version":null}','{"alias":"champion","version":1}','0a07b3f8c3a26b66762558d775997e80c17d1cd0349a6658db95ef9bab7b431a','3da338b7ce1c1ad0391782cc6721a50d8c850ad647edc9def983caa9f5d1f335','563b75760869754de34aaec6b5e5cd621c5c59ecf7d9956d49991eba12d48f5194b0f5bc030e326d07f5e1b6b833f7f6c73c355448efcd6958dcc95a71470e00');
INSERT INTO "events" VALUES(12,'2026-01-02T03:04:05.000000Z','e72fa8f7e93cd247f3ebbee1ab8cccdeb1aebda165f3e5cfa28ed1d91958d007','version.approve','version:fraud:1','67bbcc8a7a15e6e62d8d1491649d45f9a607d44ced228a204331d7e843c36432','{"state":"pending"}','{"state":"approved"}','3da338b7ce1c1ad0391782cc6721a50d8c850ad647edc9def983caa9f5d1f335','7739472f8ec6f07a8f3ae664710c56210396fe573c2c5db0c7534f5b0d810282','1119a0d05f7eb2ca24f82eadbf8f833b50dbf34eef74e6a32bf8246468129061f654c02b16e863364641d2a03a67176086e594d50bd45284e9984ec0eeda0208');
INSERT INTO "events" VALUES(13,'2026-01-02T03:04:05.000000Z','0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','endpoint.create','endpoint:fraud','','{}','{"environment":"staging","project":"default"}','7739472f8ec6f07a8f3ae664710c56210396fe573c2c5db0c7534f5b0d810282','1bf62db915e4dac3813ff1eecee902cd459ee67707bcd4787b56babe5c2bb009','f74ed3edb442077ca3102e846b694e23a9c332189813d9c5b6904086f7b4a5c6930dcd3f1ccfb4ce535583efb81eba8c2d502793916c459d904dec7345e95701');
INSERT INTO "events" VALUES(14,'2026-01-02T03:04:05.000000Z','0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}','1bf62db915e4dac3813ff1eecee902cd459ee67707bcd4787b56babe5c2bb009','4664a8e5f9195c252f79673021cfd317fa44b10ab6ef5516a8277bbe996ef072','8fe793bc3fc54ff4c0d477143c85427791c2f943506394cf82dfe94d5cbf7245b038e0bf0be88e484415e483c881387c30b01d5a70cfb346f98205af6d3b020e');
INSERT INTO "events" VALUES(15,'2026-01-02T03:04:05.000000Z','f3950b6fdc5c7d4839f1cc63dbe8035452db41e0584f25307c7fb88340271d73','rollout.publish','endpoint:fraud','8cbad8a8a5ef50c3352ec844d1e81b35d79c126cccbfd2ebb10cc7c449ab20a3','{"state":"pending"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}','4664a8e5f9195c252f79673021cfd317fa44b10ab6ef5516a8277bbe996ef072','f488b91737e93fda47a3f544b163398f01b338a265fb6c872c02b38b6c156a7b','b9d843799cadbd8daf3810e6986bf175c1178566ea3cfe6483240593e2c8d3ea00b7abcc3f5a7dced667173a538eff5467bae02574721fe0381c75bde1e36301');
INSERT INTO "events" VALUES(16,'2026-01-02T03:04:05.000000Z','f3950b6fdc5c7d4839f1cc63dbe8035452db41e0584f25307c7fb88340271d73','rollout.verify','endpoint:fraud','e98d028f5e6ffa9d6ed0d7977c823a439919dd8213d59ec2d5ea4de2462a5d9e','{"state":"loading"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}','f488b91737e93fda47a3f544b163398f01b338a265fb6c872c02b38b6c156a7b','916bc4860ac365e3675c567617fca00b5ed0eca4636d2b13bee8ea722df57091','fd3b8682ddc93acd7341299ad55b5e381dc03f64ebcff250473d30a6224cf5bf7f05b90448e30591243b92609fd8c1240536a0662c350fdcbb364ea5b041d106');
INSERT INTO "events" VALUES(17,'2026-01-02T03:04:05.000000Z','f3950b6fdc5c7d4839f1cc63dbe8035452db41e0584f25307c7fb88340271d73','rollout.promote','endpoint:fraud','94e8df9767962850a0e2a7d94cdd030bdba5541802382c30b6d9dc21491040a2','{"state":"verifying"}','{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}','916bc4860ac365e3675c567617fca00b5ed0eca4636d2b13bee8ea722df57091','e7cd41a05066b53131027f1af918f1382d6902754776716ad58f14964ff5408c','a19f14c9cfb86af29e88952bb4767072ec8837aaab354fe1ea7f8049e224e6b47c5cfa8bd0c88ecfaba35206ebd194ca09d54c9e00afcacaebf1bc43189f5a0c');
INSERT INTO "events" VALUES(18,'2026-01-02T03:04:05.000000Z','0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','rollout.start','endpoint:fraud','','{}','{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}','e7cd41a05066b53131027f1af918f1382d6902754776716ad58f14964ff5408c','4ea01aa443e4635ecef0ebd3fce9032d5c73cb7f0187b9cca721196c18eda355','621b5dcca7a9699e5ee452370bd452faebaf1fa20d8d6beb8e53d76b5b64399a30bf5c80c000d69098f9d1a67912833baf65886ccc39159b1fd93177b2d19e0f');
CREATE TABLE grants (
	actor_id VARCHAR(32) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	project VARCHAR(128) NOT NULL, 
	environment VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (actor_id, role, project, environment), 
	CONSTRAINT fk_grants_actor_id FOREIGN KEY(actor_id) REFERENCES actors (id)
);
INSERT INTO "grants" VALUES('5a3f10b32f8566ad','admin','*','*');
INSERT INTO "grants" VALUES('31ec7c4692a1a3a0','node','*','*');
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
INSERT INTO "instance" VALUES('salt','46566621b1075c5d360e4089441baadc3657c37328801d7f9363a996268ab967');
INSERT INTO "instance" VALUES('id','231a2544862d9a5b');
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
INSERT INTO "ledger_head" VALUES(1,18,'4ea01aa443e4635ecef0ebd3fce9032d5c73cb7f0187b9cca721196c18eda355');
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
INSERT INTO "personal_texts" VALUES('9c02008e8c58b38f2641f16805d9bd2ffb8b6bbb78f877c13a34ecab764a687a','actor',X'1331FF02C2F4B6E5883C902B96FD4C80','headgate');
INSERT INTO "personal_texts" VALUES('3984ae62503af6eef9c377db8eda85945887d369fce52c7201209bdc97416054','value',X'6BB63337A8CED3E0929165AF163165B0','local');
INSERT INTO "personal_texts" VALUES('053d465942894691e2cfffb13d8b5f2642d6f1b53f37a3aec6e42ac51d4fe7f9','value',X'D6F16289B8FEB1B28768BF74CAD6631A','node');
INSERT INTO "personal_texts" VALUES('4becfab41f8f8417abf0d3892a40111ff50de3bd41bf3ce48e9850fd7ba6eb8b','value',X'92D79DE4E5FD5CCA62D8D428EBB821F0','local');
INSERT INTO "personal_texts" VALUES('8470a29eab90505f8b9e86373377190b75383cf47f2d8b025d59ce233ede3310','value',X'652C90A68D5FE51B63B0975B196A9A60','node');
INSERT INTO "personal_texts" VALUES('e72fa8f7e93cd247f3ebbee1ab8cccdeb1aebda165f3e5cfa28ed1d91958d007','actor',X'8ECCCB0B4EB11A8F1C96EFB771A7C9A5','local');
INSERT INTO "personal_texts" VALUES('0dc45a3448fc73fa584a50dd168978a665d65adceef1f7dc0c3949261eebc9ce','actor',X'61B987D07AE00B8E66DE7FCF5AC711AB','ann');
INSERT INTO "personal_texts" VALUES('67bbcc8a7a15e6e62d8d1491649d45f9a607d44ced228a204331d7e843c36432','reason',X'6244CD28BAED1D9053CB2E8B9819DCDA','sound');
INSERT INTO "personal_texts" VALUES('f3950b6fdc5c7d4839f1cc63dbe8035452db41e0584f25307c7fb88340271d73','actor',X'D6501EA0AF6CA04EEDDF5C71B04EF419','controller');
INSERT INTO "personal_texts" VALUES('8cbad8a8a5ef50c3352ec844d1e81b35d79c126cccbfd2ebb10cc7c449ab20a3','reason',X'D8BF5B69AD68EF6C7AB8DF329BF94A1A','handed to the nodes');
INSERT INTO "personal_texts" VALUES('e98d028f5e6ffa9d6ed0d7977c823a439919dd8213d59ec2d5ea4de2462a5d9e','reason',X'312330B299C2D064E59F8271ACDA9DFD','acknowledged by here/w0, here/w1');
INSERT INTO "personal_texts" VALUES('94e8df9767962850a0e2a7d94cdd030bdba5541802382c30b6d9dc21491040a2','reason',X'7328EDDC1D44D5F7E2DBEF5523352A55','acknowledged by here/w0, here/w1');
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
