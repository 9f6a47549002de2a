






CREATE TABLE public.access_keys (
    id character varying(16) NOT NULL,
    sha256 character varying(64) NOT NULL,
    actor_id character varying(32) NOT NULL,
    note text NOT NULL,
    created_at character varying(27) NOT NULL,
    created_by character varying(128) NOT NULL,
    expires_at character varying(27),
    revoked_at character varying(27)
);



CREATE TABLE public.actors (
    id character varying(32) NOT NULL,
    name character varying(128) NOT NULL,
    folded character varying(128) NOT NULL,
    kind character varying(16) NOT NULL,
    created_at character varying(27) NOT NULL,
    deleted_at character varying(27)
);



CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);



CREATE TABLE public.aliases (
    model character varying(128) NOT NULL,
    folded character varying(128) NOT NULL,
    alias character varying(128) NOT NULL,
    number integer NOT NULL
);



CREATE TABLE public.endpoints (
    name character varying(128) NOT NULL,
    folded character varying(128) NOT NULL,
    project character varying(128) NOT NULL,
    environment character varying(128) NOT NULL,
    spec json NOT NULL,
    revision integer NOT NULL,
    created_at character varying(27) NOT NULL,
    created_by character varying(128) NOT NULL,
    deleted boolean NOT NULL
);



CREATE TABLE public.environments (
    name character varying(128) NOT NULL,
    folded character varying(128) NOT NULL,
    needs_approval boolean NOT NULL
);



CREATE TABLE public.events (
    number bigint NOT NULL,
    at character varying(27) NOT NULL,
    actor character varying(64) NOT NULL,
    verb character varying(64) NOT NULL,
    object character varying(300) NOT NULL,
    reason character varying(64) NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    previous character varying(64) NOT NULL,
    hash character varying(64) NOT NULL,
    signature character varying(128) NOT NULL
);



CREATE TABLE public.grants (
    actor_id character varying(32) NOT NULL,
    role character varying(32) NOT NULL,
    project character varying(128) NOT NULL,
    environment character varying(128) NOT NULL
);



CREATE TABLE public.idempotency_keys (
    actor character varying(128) NOT NULL,
    verb character varying(64) NOT NULL,
    key character varying(128) NOT NULL,
    body_digest character varying(64) NOT NULL,
    status integer NOT NULL,
    answer text NOT NULL,
    at character varying(27) NOT NULL
);



CREATE TABLE public.instance (
    key character varying(64) NOT NULL,
    value text NOT NULL
);



CREATE TABLE public.ledger_head (
    id integer NOT NULL,
    number bigint NOT NULL,
    hash character varying(64) NOT NULL,
    CONSTRAINT ck_ledger_head_ck_ledger_head_single CHECK ((id = 1))
);



CREATE TABLE public.models (
    name character varying(128) NOT NULL,
    folded character varying(128) NOT NULL,
    project character varying(128) NOT NULL,
    owner text NOT NULL,
    description text NOT NULL,
    tags json NOT NULL,
    last_number integer NOT NULL,
    revision integer NOT NULL,
    created_at character varying(27) NOT NULL
);



CREATE TABLE public.personal_texts (
    digest character varying(64) NOT NULL,
    kind character varying(16) NOT NULL,
    salt bytea,
    text text
);



CREATE TABLE public.projects (
    name character varying(128) NOT NULL,
    folded character varying(128) NOT NULL,
    created_at character varying(27) NOT NULL
);



CREATE TABLE public.rollouts (
    id character varying(64) NOT NULL,
    endpoint character varying(128) NOT NULL,
    from_version character varying(200),
    to_version character varying(200),
    strategy character varying(32) NOT NULL,
    spec json NOT NULL,
    state character varying(32) NOT NULL,
    reason text NOT NULL,
    steps json NOT NULL,
    evidence json NOT NULL,
    by character varying(128) NOT NULL,
    started_at character varying(27) NOT NULL,
    ended_at character varying(27),
    revision integer NOT NULL
);



CREATE TABLE public.route_tables (
    endpoint character varying(128) NOT NULL,
    epoch integer NOT NULL,
    generation integer NOT NULL,
    body text NOT NULL,
    at character varying(27) NOT NULL,
    rollout character varying(64)
);



CREATE TABLE public.versions (
    model character varying(128) NOT NULL,
    number integer NOT NULL,
    digest character varying(64) NOT NULL,
    manifest text NOT NULL,
    artifact character varying(64) NOT NULL,
    size bigint NOT NULL,
    signed_by text NOT NULL,
    state character varying(16) NOT NULL,
    registered_at character varying(27) NOT NULL,
    registered_by character varying(128) NOT NULL
);



INSERT INTO public.access_keys VALUES ('a97bce48', '1667f9a0bd055cea8eecd18ff3c4416580623e1e46dcd4b8961fbe5273c07d66', 'd985e3a5865987dd', 'this machine', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL);
INSERT INTO public.access_keys VALUES ('3206c1dc', '47d1fb2c3584ec57df8c72ad3a0266a886e0b4daf7ee5b5824f47311b85ee3ab', '5729b7ae162864ee', 'agent', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL);



INSERT INTO public.actors VALUES ('d985e3a5865987dd', 'local', 'local', 'service', '2026-01-02T03:04:05.000000Z', NULL);
INSERT INTO public.actors VALUES ('5729b7ae162864ee', 'node', 'node', 'service', '2026-01-02T03:04:05.000000Z', NULL);



INSERT INTO public.alembic_version VALUES ('0001');



INSERT INTO public.aliases VALUES ('fraud', 'champion', 'champion', 1);



INSERT INTO public.endpoints VALUES ('fraud', 'fraud', 'default', 'staging', '{}', 6, '2026-01-02T03:04:05.000000Z', 'ann', false);



INSERT INTO public.environments VALUES ('staging', 'staging', false);
INSERT INTO public.environments VALUES ('production', 'production', true);



INSERT INTO public.events VALUES (1, '2026-01-02T03:04:05.000000Z', '4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'actor.create', 'actor:d985e3a5865987dd', '', 'null', '{"kind":"service","name":{"personal":"70a41925bf6d6dbcf988e7567d3a35bb8822a6c53e9c627a1ad43949f883becf"}}', '0000000000000000000000000000000000000000000000000000000000000000', '289de25319e643a55d29402c0eaef8d905b499cb9ce09b75ae2ce52f738001de', 'faccda687ddf9c7282fc6bd32db7cdaf4c576f7114978227b04edb1af60cb10a0e95c7f9bfaf64c06f30561146031cd17a2ddd2f1d6cc6eac7fb35c5922b5f0c');
INSERT INTO public.events VALUES (2, '2026-01-02T03:04:05.000000Z', '4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'actor.grant', 'actor:d985e3a5865987dd', '', 'null', '{"environment":"*","project":"*","role":"admin"}', '289de25319e643a55d29402c0eaef8d905b499cb9ce09b75ae2ce52f738001de', 'a3909efd99e28c70df42f36c45edeba15cd30ebc4919fe232f53e66ab4e9e33e', 'd6534e861be90beaf96fae37a55716ad2ca0df62733f3afb1570639b6dd9d8e9366ddfc941a67ce60f328ddc7ee031e6db8ad70a49b6ae1c5382166ec12d5a05');
INSERT INTO public.events VALUES (3, '2026-01-02T03:04:05.000000Z', '4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'actor.create', 'actor:5729b7ae162864ee', '', 'null', '{"kind":"service","name":{"personal":"e73bf28e0899db814f1559246b5ac6aaa98a58c58cc87eb030cb72a7867ebe2f"}}', 'a3909efd99e28c70df42f36c45edeba15cd30ebc4919fe232f53e66ab4e9e33e', '22d6c5cc003134adf72014a81576fa6a4da9019f40ebc9192092663d96e76245', 'e454541d6420e6611ddf305c1d313e3d04e7f7edde3cf7140d5c943f4741f433e4e6505514abb2dd7a5255ac1eb60e745d7f61cb63c609d4041aef79c7a29908');
INSERT INTO public.events VALUES (4, '2026-01-02T03:04:05.000000Z', '4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'actor.grant', 'actor:5729b7ae162864ee', '', 'null', '{"environment":"*","project":"*","role":"node"}', '22d6c5cc003134adf72014a81576fa6a4da9019f40ebc9192092663d96e76245', '420555a5f6f500c2285f7bc7518451a88d461d5ade4dba02024ba03b50ae4ffd', '2d88b4c6d85eab0edee68830a963f4d73a638d30d50e3797025c3388cfa8601f92793d8cdde7bb0b0e10189113ea1a2af0c501db4e88c048d3f9f75b09544c07');
INSERT INTO public.events VALUES (5, '2026-01-02T03:04:05.000000Z', '4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'key.issue', 'key:a97bce48', '', 'null', '{"actor":{"personal":"d639ad6808d9317ebd4156c68d9645a55f245e4fd80c3b1ce3bbdcdb75e2a1f2"},"expires_at":null}', '420555a5f6f500c2285f7bc7518451a88d461d5ade4dba02024ba03b50ae4ffd', '2d6963a2b6807069ef4655b4757debc3a7ed3961ac7daed7fa2aa226b10709c1', 'ea36b86039097d1f1b6daf4d943a08d12335c2b1ecf74ca18e5773623bef51e011cb30b60a7fb94c6830742a44ca2335240473396c49cf878401d3f4530c0d0d');
INSERT INTO public.events VALUES (6, '2026-01-02T03:04:05.000000Z', '4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'key.issue', 'key:3206c1dc', '', 'null', '{"actor":{"personal":"20399f745f9aa3e59d22e3d6c850d1dd6da842a79f5d41daff6d37ffea36a7f1"},"expires_at":null}', '2d6963a2b6807069ef4655b4757debc3a7ed3961ac7daed7fa2aa226b10709c1', 'cfd3928638689e2d15041b155d79b1bc3c231cae1813156010b92d9a120acae2', 'a7335830cdd137daf48cb91e627ce5bdd4011cb905edcd69880ab49274090fd91584ae0c7264096fce67e21eedf1bdb9f4edac50225c601d393e29f1ae376807');
INSERT INTO public.events VALUES (7, '2026-01-02T03:04:05.000000Z', '00600f2592aa97d9880cdc65bab51ece9f87776dfd8d203e326e35bdc5609587', 'project.create', 'project:risk', '', 'null', '{"name":"risk"}', 'cfd3928638689e2d15041b155d79b1bc3c231cae1813156010b92d9a120acae2', 'f5b40ffa66ba00c3fcfd17109a63f97d8cdaa1504099ab7f025e91921a46b8d6', '5fbd6915ef57cd4cf5d89e7175c6ca9a9557ce29f1b138ccb2d691040dbf794fdfa555df456ab7cfd29058e5396bc1828f10a260e30f0dddbf4b3b06d4df6401');
INSERT INTO public.events VALUES (8, '2026-01-02T03:04:05.000000Z', 'ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'model.create', 'model:fraud', '', 'null', '{"project":"default"}', 'f5b40ffa66ba00c3fcfd17109a63f97d8cdaa1504099ab7f025e91921a46b8d6', 'a0b0c55ee3266c87a160c61891f8dc3c5270fcd2a70343c51d400481a3b26b04', '615ed255a354be58f7a75e11fc999f9ef2fd5a6b58a3c9d23a1a80fd478a8ed0e02f0b10561026fcc5240effdd7647e2190611caee8120f98f3f37069b95510f');
INSERT INTO public.events VALUES (9, '2026-01-02T03:04:05.000000Z', 'ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'version.register', 'version:fraud:1', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"948d57e91e10ed248087712078e72013cf40946bd809afae8faa7a54da92542a","signed_by":"","state":"pending"}', 'a0b0c55ee3266c87a160c61891f8dc3c5270fcd2a70343c51d400481a3b26b04', '960252cb3d167ee3a324fb8e865429f130b4df8ea4891b77cf2117f1c4698582', '1143837832c8b5c1d6399c28c3302ea1c9e711d710bf6db3472bd344546f5bc6123507cbbbb661f8b848eec2750809c31bc7cee415d9b099998d7c29be3e5f0e');
INSERT INTO public.events VALUES (10, '2026-01-02T03:04:05.000000Z', 'ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'version.register', 'version:fraud:2', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"9bd38f4e39718a8446c412c9b131af4febd3a82d4d87566f80e9144be4c6588f","signed_by":"","state":"pending"}', '960252cb3d167ee3a324fb8e865429f130b4df8ea4891b77cf2117f1c4698582', '7b4b557ba4abcb05c442b08a6719a6cc495c506c9abd2d6fddbf21606ec4e218', 'ebc548ae834aea157975817ba4eda9b840b8c0604f5a23d7fdad003afe0ed527841e3ab00f49ff49ddf8f3d469706ed62540316605c65d6a5377eefb7e176b0d');
INSERT INTO public.events VALUES (11, '2026-01-02T03:04:05.000000Z', '00600f2592aa97d9880cdc65bab51ece9f87776dfd8d203e326e35bdc5609587', 'alias.set', 'model:fraud', '', '{"alias":"champion","version":null}', '{"alias":"champion","version":1}', '7b4b557ba4abcb05c442b08a6719a6cc495c506c9abd2d6fddbf21606ec4e218', 'ad26d35d3b7d323dd5e4ecc474e246bf42593069505807e624e091d1d45adbcc', '31d1384f2f1d9d71709e48325e0a1f067ff101fc656ba03c4e6fbd381309f2ea74f96ff5248294a8fcf3a3d193ff771fda70d6c940e9e4f16ca60ef8346e3f0e');
INSERT INTO public.events VALUES (12, '2026-01-02T03:04:05.000000Z', '00600f2592aa97d9880cdc65bab51ece9f87776dfd8d203e326e35bdc5609587', 'version.approve', 'version:fraud:1', '4db47bd4b1b4fa0de0afea7de41de8d621a6800863ec0c87b7679d2b846b71e3', '{"state":"pending"}', '{"state":"approved"}', 'ad26d35d3b7d323dd5e4ecc474e246bf42593069505807e624e091d1d45adbcc', '40e811f4e9b96117bf62f5abd4e228ee77ee9469922fe3d15515796ee216ad62', 'bb7ab69dc62a161395c8506fea3922384cd6c2158ba067e065c2ad317701a839a320caaf68e212699a89fa0748f94bc7ae698f3a40c2295d6db355539aca5306');
INSERT INTO public.events VALUES (13, '2026-01-02T03:04:05.000000Z', 'ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'endpoint.create', 'endpoint:fraud', '', '{}', '{"environment":"staging","project":"default"}', '40e811f4e9b96117bf62f5abd4e228ee77ee9469922fe3d15515796ee216ad62', '0d0ce15120d39eec1e90eca7e9dc6b3523b350560685082b75a857c743abe209', 'b0e82f7cdf5651f9571a32963febb7bbcf8c484adffff14d12a6833de81a8de9350da85f127d386d747bacf94f01d13c7aca3a03ca977382c4ff85115d2c4000');
INSERT INTO public.events VALUES (14, '2026-01-02T03:04:05.000000Z', 'ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}', '0d0ce15120d39eec1e90eca7e9dc6b3523b350560685082b75a857c743abe209', 'a13942b79ec8093173ca493dbe2428229050bba740e98abd78947f2a5314a38e', 'd92c4357bcf3bbed2ef23732d677ed4b6718ca9a13d0740d29e534703bed4f557a48721a4aab222db69995fd834dbf29fa50905b1968156c37b51f01aad6ae01');
INSERT INTO public.events VALUES (15, '2026-01-02T03:04:05.000000Z', 'a94e1c44281837d916363600ba2db5521bf83bae63563cdf5bd7aa2223da7230', 'rollout.publish', 'endpoint:fraud', '1ac2ac8d193b9c5d451f88cbdc43c63a0cdb12523af79f41cb953f6e0937cf12', '{"state":"pending"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}', 'a13942b79ec8093173ca493dbe2428229050bba740e98abd78947f2a5314a38e', 'aebeffd655d3a49fad4b5b87ee49b115ca8f61522a3110af8a38c1359469478c', 'da5f0b18c4d65b449bdbaf840c1045c3247bf3d8a16d4ef7359544628f86415b328ecb30dd4d39ac91d7818f3e5c0f030240246ae31e743e4550091437b40102');
INSERT INTO public.events VALUES (16, '2026-01-02T03:04:05.000000Z', 'a94e1c44281837d916363600ba2db5521bf83bae63563cdf5bd7aa2223da7230', 'rollout.verify', 'endpoint:fraud', '3066f81c3b2b36299d7faee00fcd3f0d7bcc6fb46e526ae38e63f8569176a4cb', '{"state":"loading"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}', 'aebeffd655d3a49fad4b5b87ee49b115ca8f61522a3110af8a38c1359469478c', 'db49c8a0c4c04dd7afa18e5096cfded14c263fd96d26783a3dc5b307dd849cf9', 'f1b83ff5fe7fcb124189c4b2395f6216e17b3ced413674498da4d53eb77cc77b3259c5df5b29cd4c030ea02e4f02cb9e201a33ae98f5e097f262e82ef6c47000');
INSERT INTO public.events VALUES (17, '2026-01-02T03:04:05.000000Z', 'a94e1c44281837d916363600ba2db5521bf83bae63563cdf5bd7aa2223da7230', 'rollout.promote', 'endpoint:fraud', '6a36340ad5e1a94ba1942d756d640ba03f1aca33df8f167d248fd5d29d3d7b86', '{"state":"verifying"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}', 'db49c8a0c4c04dd7afa18e5096cfded14c263fd96d26783a3dc5b307dd849cf9', '9251529b6b3892692c87bf1739c2dc7cf71084ec88c0ca6571664790c82714b4', '1e66c483293af5ea4b1b50895f08576cd945189a579fb05741b55f1099fab439a2950bd4b2dd38b9af4e20ece2ee64ea9cf03abc63b9808009d813b7276e680e');
INSERT INTO public.events VALUES (18, '2026-01-02T03:04:05.000000Z', 'ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}', '9251529b6b3892692c87bf1739c2dc7cf71084ec88c0ca6571664790c82714b4', '1b66e406e73bf935eea3b02f47ac67654a335877b5d22f17e7b8cc44dec261c9', '2f189cf9b2bae0988d490b9518f105386a0ec665a7db79dffbc5e15d3e44d33937288c980727d0f9323a9f6ef4524fe785be037da94541268681b0e0b14dca01');



INSERT INTO public.grants VALUES ('d985e3a5865987dd', 'admin', '*', '*');
INSERT INTO public.grants VALUES ('5729b7ae162864ee', 'node', '*', '*');



INSERT INTO public.idempotency_keys VALUES ('local', 'POST /projects', 'k-1', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 201, '{}', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.instance VALUES ('epoch', '1');
INSERT INTO public.instance VALUES ('salt', 'afbd1d941850245b5f253adb63aa9fdfa870aa7e6f648f89350ab5db67398729');
INSERT INTO public.instance VALUES ('id', 'cd29a5d3070c55af');
INSERT INTO public.instance VALUES ('access_number', '4');
INSERT INTO public.instance VALUES ('node_tables', '1');
INSERT INTO public.instance VALUES ('rollouts', '2');



INSERT INTO public.ledger_head VALUES (1, 18, '1b66e406e73bf935eea3b02f47ac67654a335877b5d22f17e7b8cc44dec261c9');



INSERT INTO public.models VALUES ('fraud', 'fraud', 'default', 'ann', '', '{}', 2, 5, '2026-01-02T03:04:05.000000Z');



INSERT INTO public.personal_texts VALUES ('4800a7993a3040070a34f146b69a034013fc5bf8bc07905ffea2f968019f22c3', 'actor', '\xf07b80a42f50fbfdaa15f361a655f2b3', 'headgate');
INSERT INTO public.personal_texts VALUES ('70a41925bf6d6dbcf988e7567d3a35bb8822a6c53e9c627a1ad43949f883becf', 'value', '\x3fbd1d6631bcb6633c0a42a76fdb86a4', 'local');
INSERT INTO public.personal_texts VALUES ('e73bf28e0899db814f1559246b5ac6aaa98a58c58cc87eb030cb72a7867ebe2f', 'value', '\x23788b6c43a5c3c47ec3085a34e0097c', 'node');
INSERT INTO public.personal_texts VALUES ('d639ad6808d9317ebd4156c68d9645a55f245e4fd80c3b1ce3bbdcdb75e2a1f2', 'value', '\x534e75cdd508214da3170b3adeffadaf', 'local');
INSERT INTO public.personal_texts VALUES ('20399f745f9aa3e59d22e3d6c850d1dd6da842a79f5d41daff6d37ffea36a7f1', 'value', '\x63f3d55f4a9a8a214db5fe38f8abbaf5', 'node');
INSERT INTO public.personal_texts VALUES ('00600f2592aa97d9880cdc65bab51ece9f87776dfd8d203e326e35bdc5609587', 'actor', '\xf02bba552fb23f17709a052616c18edd', 'local');
INSERT INTO public.personal_texts VALUES ('ce7041a34d7fe6f5b5610c05737c6e9db46885674978be1d82a0703d4411157c', 'actor', '\x70d1d00c950dc27a053365c5b3825a68', 'ann');
INSERT INTO public.personal_texts VALUES ('4db47bd4b1b4fa0de0afea7de41de8d621a6800863ec0c87b7679d2b846b71e3', 'reason', '\xbb3d11da46b5269296b135ea68e3cfde', 'sound');
INSERT INTO public.personal_texts VALUES ('a94e1c44281837d916363600ba2db5521bf83bae63563cdf5bd7aa2223da7230', 'actor', '\xe27dc64e1cc117beb6eafa56e3fcea50', 'controller');
INSERT INTO public.personal_texts VALUES ('1ac2ac8d193b9c5d451f88cbdc43c63a0cdb12523af79f41cb953f6e0937cf12', 'reason', '\x9480c9881e8346f6c5a38fc767d7b9bd', 'handed to the nodes');
INSERT INTO public.personal_texts VALUES ('3066f81c3b2b36299d7faee00fcd3f0d7bcc6fb46e526ae38e63f8569176a4cb', 'reason', '\x5a6889732033042e49a4d9df0d612063', 'acknowledged by here/w0, here/w1');
INSERT INTO public.personal_texts VALUES ('6a36340ad5e1a94ba1942d756d640ba03f1aca33df8f167d248fd5d29d3d7b86', 'reason', '\x2c5c350164fac7f754eac680e8135a94', 'acknowledged by here/w0, here/w1');



INSERT INTO public.projects VALUES ('default', 'default', '1970-01-01T00:00:00.000000Z');
INSERT INTO public.projects VALUES ('risk', 'risk', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.rollouts VALUES ('r-00000001', 'fraud', NULL, 'fraud:1', 'all-at-once', '{"force": false}', 'promoted', 'acknowledged by here/w0, here/w1', '[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}, {"state": "loading", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "handed to the nodes"}, {"state": "verifying", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}, {"state": "promoted", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}]', '[{"kind": "table", "epoch": 1, "generation": 1}, {"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {"approval": "approved"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud is new and takes its contract from fraud:1.", "evidence": {}, "binding": true, "forced": false}, {"kind": "acknowledgement", "living": ["here/w0", "here/w1"], "acknowledged": ["here/w0", "here/w1"], "failures": [], "seconds": 0.0}]', 'ann', '2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.000000Z', 4);
INSERT INTO public.rollouts VALUES ('r-00000002', 'fraud', 'fraud:1', 'fraud:2', 'all-at-once', '{"force": false}', 'pending', '', '[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}]', '[{"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:2 is pending.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "wait", "reason": "fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason \u2026`.", "evidence": {"approval": "pending"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud:2 takes the contract of fraud.", "evidence": {}, "binding": true, "forced": false}]', 'ann', '2026-01-02T03:04:05.000000Z', NULL, 1);



INSERT INTO public.route_tables VALUES ('fraud', 1, 1, '{"format":1,"endpoint":"fraud","epoch":1,"generation":1,"contract":{"inputs":[{"name":"age","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"minimum":null,"maximum":null,"shape":[],"example":null}],"outputs":[{"name":"predictions","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"minimum":null,"maximum":null,"shape":[],"example":null}]},"contract_version":1,"task":"regression","classes":[],"variants":[{"version":"fraud:1","digest":"948d57e91e10ed248087712078e72013cf40946bd809afae8faa7a54da92542a","role":"stable","weight":100,"form":"onnx","placement":"inline"}],"project":"default","environment":"staging","spec":{"limits":{"timeout_ms":30000,"max_rows":10000,"max_body_bytes":16777216,"concurrency":1024,"queue":4096,"requests_per_second":0.0,"burst":0},"unseen_category":"accept","out_of_range":"accept","record_sampling":1.0,"cache_entries":0,"fallback":""}}', '2026-01-02T03:04:05.000000Z', 'r-00000001');



INSERT INTO public.versions VALUES ('fraud', 2, '9bd38f4e39718a8446c412c9b131af4febd3a82d4d87566f80e9144be4c6588f', '{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":2.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, '', 'pending', '2026-01-02T03:04:05.000000Z', 'ann');
INSERT INTO public.versions VALUES ('fraud', 1, '948d57e91e10ed248087712078e72013cf40946bd809afae8faa7a54da92542a', '{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":1.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, '', 'approved', '2026-01-02T03:04:05.000000Z', 'ann');



ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);



ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT pk_access_keys PRIMARY KEY (id);



ALTER TABLE ONLY public.actors
    ADD CONSTRAINT pk_actors PRIMARY KEY (id);



ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT pk_aliases PRIMARY KEY (model, folded);



ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT pk_endpoints PRIMARY KEY (name);



ALTER TABLE ONLY public.environments
    ADD CONSTRAINT pk_environments PRIMARY KEY (name);



ALTER TABLE ONLY public.events
    ADD CONSTRAINT pk_events PRIMARY KEY (number);



ALTER TABLE ONLY public.grants
    ADD CONSTRAINT pk_grants PRIMARY KEY (actor_id, role, project, environment);



ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, verb, key);



ALTER TABLE ONLY public.instance
    ADD CONSTRAINT pk_instance PRIMARY KEY (key);



ALTER TABLE ONLY public.ledger_head
    ADD CONSTRAINT pk_ledger_head PRIMARY KEY (id);



ALTER TABLE ONLY public.models
    ADD CONSTRAINT pk_models PRIMARY KEY (name);



ALTER TABLE ONLY public.personal_texts
    ADD CONSTRAINT pk_personal_texts PRIMARY KEY (digest);



ALTER TABLE ONLY public.projects
    ADD CONSTRAINT pk_projects PRIMARY KEY (name);



ALTER TABLE ONLY public.rollouts
    ADD CONSTRAINT pk_rollouts PRIMARY KEY (id);



ALTER TABLE ONLY public.route_tables
    ADD CONSTRAINT pk_route_tables PRIMARY KEY (endpoint, epoch, generation);



ALTER TABLE ONLY public.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (model, number);



ALTER TABLE ONLY public.actors
    ADD CONSTRAINT uq_actors_folded UNIQUE (folded);



ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT uq_endpoints_folded UNIQUE (folded);



ALTER TABLE ONLY public.environments
    ADD CONSTRAINT uq_environments_folded UNIQUE (folded);



ALTER TABLE ONLY public.models
    ADD CONSTRAINT uq_models_folded UNIQUE (folded);



ALTER TABLE ONLY public.projects
    ADD CONSTRAINT uq_projects_folded UNIQUE (folded);



ALTER TABLE ONLY public.versions
    ADD CONSTRAINT uq_versions_digest UNIQUE (digest);



CREATE INDEX ix_access_keys_actor_id ON public.access_keys USING btree (actor_id);



CREATE INDEX ix_events_actor ON public.events USING btree (actor);



CREATE INDEX ix_events_object ON public.events USING btree (object);



CREATE INDEX ix_idempotency_keys_at ON public.idempotency_keys USING btree (at);



CREATE INDEX ix_personal_texts_kind ON public.personal_texts USING btree (kind);



CREATE INDEX ix_rollouts_endpoint_started_at ON public.rollouts USING btree (endpoint, started_at);



CREATE INDEX ix_route_tables_endpoint_at ON public.route_tables USING btree (endpoint, at);



CREATE UNIQUE INDEX uq_rollouts_active ON public.rollouts USING btree (endpoint) WHERE (ended_at IS NULL);



ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT fk_access_keys_actor_id FOREIGN KEY (actor_id) REFERENCES public.actors(id);



ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT fk_aliases_model_number FOREIGN KEY (model, number) REFERENCES public.versions(model, number);



ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT fk_endpoints_environment FOREIGN KEY (environment) REFERENCES public.environments(name);



ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT fk_endpoints_project FOREIGN KEY (project) REFERENCES public.projects(name);



ALTER TABLE ONLY public.grants
    ADD CONSTRAINT fk_grants_actor_id FOREIGN KEY (actor_id) REFERENCES public.actors(id);



ALTER TABLE ONLY public.models
    ADD CONSTRAINT fk_models_project FOREIGN KEY (project) REFERENCES public.projects(name);



ALTER TABLE ONLY public.rollouts
    ADD CONSTRAINT fk_rollouts_endpoint FOREIGN KEY (endpoint) REFERENCES public.endpoints(name);



ALTER TABLE ONLY public.route_tables
    ADD CONSTRAINT fk_route_tables_endpoint FOREIGN KEY (endpoint) REFERENCES public.endpoints(name);



ALTER TABLE ONLY public.route_tables
    ADD CONSTRAINT fk_route_tables_rollout FOREIGN KEY (rollout) REFERENCES public.rollouts(id);



ALTER TABLE ONLY public.versions
    ADD CONSTRAINT fk_versions_model FOREIGN KEY (model) REFERENCES public.models(name);




