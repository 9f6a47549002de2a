






CREATE TABLE public.access_keys (
    id character varying(16) NOT NULL,
    sha256 character varying(64) NOT NULL,
    actor_id character varying(32) NOT NULL,
    note text NOT NULL,
    created_at character varying(27) NOT NULL,
    created_by character varying(128) NOT NULL,
    expires_at character varying(27),
    revoked_at character varying(27),
    requests_per_second double precision DEFAULT '0'::double precision NOT NULL,
    concurrency integer DEFAULT 0 NOT NULL
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



CREATE TABLE public.artifact_claims (
    digest character varying(64) NOT NULL,
    holder character varying(32) NOT NULL,
    purpose character varying(16) NOT NULL,
    until character varying(27) NOT NULL
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



INSERT INTO public.access_keys VALUES ('9bc0484b', '5e2457916aadd10dc0e5a9d3fce35ba07c00b5bc544f76d6f73ab808a7dc71e9', 'e3167e182a992e36', 'this machine', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0);
INSERT INTO public.access_keys VALUES ('0f2a2ccc', 'd4c3b0f654b15427e9ef8ccf33f8f3f4f45cbd69de0b5dcfd8f5ed482f5daae4', '2b3f57b40b19ba95', 'agent', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0);



INSERT INTO public.actors VALUES ('e3167e182a992e36', 'local', 'local', 'service', '2026-01-02T03:04:05.000000Z', NULL);
INSERT INTO public.actors VALUES ('2b3f57b40b19ba95', 'node', 'node', 'service', '2026-01-02T03:04:05.000000Z', NULL);



INSERT INTO public.alembic_version VALUES ('0003');



INSERT INTO public.aliases VALUES ('fraud', 'champion', 'champion', 1);






INSERT INTO public.endpoints VALUES ('fraud', 'fraud', 'default', 'staging', '{}', 6, '2026-01-02T03:04:05.000000Z', 'ann', false);



INSERT INTO public.environments VALUES ('staging', 'staging', false);
INSERT INTO public.environments VALUES ('production', 'production', true);



INSERT INTO public.events VALUES (1, '2026-01-02T03:04:05.000000Z', '36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'actor.create', 'actor:e3167e182a992e36', '', 'null', '{"kind":"service","name":{"personal":"eeec7c706e51256df7ffd98bba22fe2030e7400b31b65a9a1711d68611a93cef"}}', '0000000000000000000000000000000000000000000000000000000000000000', '207f9d588c1357592ae41578d5af87752fa07bc5dce415ae640f3e4529f04062', 'fc6935925693d61fa7baebaf62a71d10625be1e31bd635bb9d5319ebe3da58f24eda43f6c6887f68bf7f79b69098c21847e6ce8fea3998643d8dc9c6d2a5740b');
INSERT INTO public.events VALUES (2, '2026-01-02T03:04:05.000000Z', '36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'actor.grant', 'actor:e3167e182a992e36', '', 'null', '{"environment":"*","project":"*","role":"admin"}', '207f9d588c1357592ae41578d5af87752fa07bc5dce415ae640f3e4529f04062', '662bde64976df74e269ddb42a5004a785beadbe525a9787a9ee8fa7329d293b7', 'c6789d3b885c7e1770d205832d1c77c828fc924a7c318698963ccfd0b96b56d48223320602ca668d1f3452b755eb7ba8be71cad5f38f3518c332563e88ffe500');
INSERT INTO public.events VALUES (3, '2026-01-02T03:04:05.000000Z', '36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'actor.create', 'actor:2b3f57b40b19ba95', '', 'null', '{"kind":"service","name":{"personal":"a8113c90f757fe51966724845d4a9bd295d9c72f9708dc8c89aa760f4daed1b4"}}', '662bde64976df74e269ddb42a5004a785beadbe525a9787a9ee8fa7329d293b7', 'ebc7a72e267e81e03eaff29ee2bcc365b66ee998a4fac8e3c70e7b45d829c9fa', '498a2753f9deb1116ec6094458a7712d6dca7bc4beffd13d78b2fb1ba182edc8f05c0c8c0f58d4294b4b96972bf968e98d0351b1b5a96f59b7cc82cfa0548c03');
INSERT INTO public.events VALUES (4, '2026-01-02T03:04:05.000000Z', '36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'actor.grant', 'actor:2b3f57b40b19ba95', '', 'null', '{"environment":"*","project":"*","role":"node"}', 'ebc7a72e267e81e03eaff29ee2bcc365b66ee998a4fac8e3c70e7b45d829c9fa', '28a2bdb0932cd6022ccfb4e90897b9a6b1f209819cd3625e2945b048884306e0', 'efd094ce95a0c25250aa3ff1cea61857600ee40f24a6845b467abea44eaeeb5dbfaa049457261fb6c50b9005156b64a2b954e4bb4a700b4911c7e1bc93188400');
INSERT INTO public.events VALUES (5, '2026-01-02T03:04:05.000000Z', '36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'key.issue', 'key:9bc0484b', '', 'null', '{"actor":{"personal":"615d102729044e743d73271b75c206cfeb3c115f1feccb007ae0ea18a212f009"},"expires_at":null}', '28a2bdb0932cd6022ccfb4e90897b9a6b1f209819cd3625e2945b048884306e0', '14bb699b332418acb9409023351a38f19025eeec24ba1a6d284d0cbdb1273d0e', '6447a8b73d501175dabe73b77289d663dbaa58054ffeb26213017acae30016837bafca922085f4a4cac45a5aa26a20fd25c8ee7e594bcc84917dc75792fafe07');
INSERT INTO public.events VALUES (6, '2026-01-02T03:04:05.000000Z', '36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'key.issue', 'key:0f2a2ccc', '', 'null', '{"actor":{"personal":"4185a5aed45afd1e08ac52f8ca4673363d20ea4602cd89db8f3c5b51727118f4"},"expires_at":null}', '14bb699b332418acb9409023351a38f19025eeec24ba1a6d284d0cbdb1273d0e', 'bd6bfca04aa9f62a9e9c7256b4f5156a83c87caa0b58c1e124a677dec4fd3e05', 'f74d6deb80703b03969360287b269317d9236d6a2a58b5df6771e3d2146bdb749cd969b4ad85b481e41960c2bdeeb0cfa7bed9addf659e549b8730992d632e01');
INSERT INTO public.events VALUES (7, '2026-01-02T03:04:05.000000Z', '90af2e4214f1296fecd39c7b8fd726b753ab39f537704dbf467cae2e8e59720f', 'project.create', 'project:risk', '', 'null', '{"name":"risk"}', 'bd6bfca04aa9f62a9e9c7256b4f5156a83c87caa0b58c1e124a677dec4fd3e05', 'fed4e23dd9885fb2a44a1822eef285a69dbdff2f06839678fdc16e49ed5fd7f1', '258db04bce382a538faee3582cf72289a579878c7aa4906190dec95963cfcb3b2075c65bb9a9eab7566dbe38e4ea69510fd2302018e3759a974c76cf913da708');
INSERT INTO public.events VALUES (8, '2026-01-02T03:04:05.000000Z', '3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'model.create', 'model:fraud', '', 'null', '{"project":"default"}', 'fed4e23dd9885fb2a44a1822eef285a69dbdff2f06839678fdc16e49ed5fd7f1', '241b1fc68a8398d5bff67058ea20554cafaf07a450d30e1b018878e0a0edfc3a', '84bc4cb846ecb4daa69f88523ca1fd6a15f8bee6ec203946c89331fbc876ea5ffd75dbb22a2113e9edad70cd1cc5a4d1849083c259c3c54c41dca25b31c99201');
INSERT INTO public.events VALUES (9, '2026-01-02T03:04:05.000000Z', '3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'version.register', 'version:fraud:1', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291","signed_by":"","state":"pending"}', '241b1fc68a8398d5bff67058ea20554cafaf07a450d30e1b018878e0a0edfc3a', '928e7e09bc493215215dc41fb244c24842d4d49f2f06bdeb08a0c9dc13ebc0a0', '0891b5a472bae6bcb452f9540dc539279fc60a53c00eabc4f5df40bbaebe60f81a80fa0d7d6849713937e59cfe157cd23658219690e6b86f3e4f007803703802');
INSERT INTO public.events VALUES (10, '2026-01-02T03:04:05.000000Z', '3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'version.register', 'version:fraud:2', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"eb8ec3a340bdae51a078b128bd72d14a80d8434a63120063d131f5df318a05e8","signed_by":"","state":"pending"}', '928e7e09bc493215215dc41fb244c24842d4d49f2f06bdeb08a0c9dc13ebc0a0', '351812cc7afd41a5409ea9ca5f13f51d18bd43960ce9e126b22a47fbce4f7c75', '0862b35ab80e26499942808bd1ec5a8581a1416acf15114b828abacb60c004992543710260fe1d12c2ff36d70222ad55997616700f318ab9d31dffd6f1e04e02');
INSERT INTO public.events VALUES (11, '2026-01-02T03:04:05.000000Z', '90af2e4214f1296fecd39c7b8fd726b753ab39f537704dbf467cae2e8e59720f', 'alias.set', 'model:fraud', '', '{"alias":"champion","version":null}', '{"alias":"champion","version":1}', '351812cc7afd41a5409ea9ca5f13f51d18bd43960ce9e126b22a47fbce4f7c75', '2786c292db57848cea9f7f2674f1090736e535bd0efe9026d2d8200d19523f63', '5b0ec5e100ae2216bd3c8f4fbd8f0ef0f6673a0329c6bb9a9ac978e1380aca9873325bbbd4b2073f7379a9ae19615e036b34b3bee7467c1ffe44366191595f08');
INSERT INTO public.events VALUES (12, '2026-01-02T03:04:05.000000Z', '90af2e4214f1296fecd39c7b8fd726b753ab39f537704dbf467cae2e8e59720f', 'version.approve', 'version:fraud:1', 'df69cc607ef891076f74ab37f8d019f14c2dce737241afa650e0640f924452a8', '{"state":"pending"}', '{"state":"approved"}', '2786c292db57848cea9f7f2674f1090736e535bd0efe9026d2d8200d19523f63', '183e9eb791af7bf738085cef9eb069f64d0d148067b850bbdf95c65dee0c3620', '09e6847ea91443de26443383b39802d95fd42a11d73581fe21d380f81b965c747283ad220b178c34bb45fced59946bc865e3e4078a5e71280cab1b1efe448e02');
INSERT INTO public.events VALUES (13, '2026-01-02T03:04:05.000000Z', '3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'endpoint.create', 'endpoint:fraud', '', '{}', '{"environment":"staging","project":"default"}', '183e9eb791af7bf738085cef9eb069f64d0d148067b850bbdf95c65dee0c3620', '61162569729732c2a91ad7e4c11df509ad9259c91c2a03073582039f5353f858', 'b8c2f7d1e5fc1046583d117489eebe04acc20e8b931dce9043a7b7936560f15f14440eeb56eb3043126e7d9c0e08dddb88bad393e05869afc000f5b70cf2850f');
INSERT INTO public.events VALUES (14, '2026-01-02T03:04:05.000000Z', '3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}', '61162569729732c2a91ad7e4c11df509ad9259c91c2a03073582039f5353f858', '7ca7934a6a11d1e82423af78cbe6ad2585ce20a79b28f4ca1307a9566ae81707', '87a91e2cf2720d1562bad9c4a4b241f6163d90815ab6b880b4323458112e0824860af42a1f7c60b71322b3fa7bfebebf6d2e92db31494f36814687d35f045e03');
INSERT INTO public.events VALUES (15, '2026-01-02T03:04:05.000000Z', '9b60df7463feb35b9585cbe0881b97a1c6adeb8ca17750c43c6d3e37d94922cf', 'rollout.publish', 'endpoint:fraud', '3d52d0fe401619d825e8fa042591921705de468e34670101596241ffd36272c9', '{"state":"pending"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}', '7ca7934a6a11d1e82423af78cbe6ad2585ce20a79b28f4ca1307a9566ae81707', '40fb03f2e92698758f7f86663b39fdde4151862949088d0175aab77263daf3f1', '53ba1c334cbb3418ed9bc2c1f363e0529835379a4ecc3be5cc785e28ba1f1908ccd8b14cf288f01788f2a057876126cbd1fa663631028805fa615706b4b39101');
INSERT INTO public.events VALUES (16, '2026-01-02T03:04:05.000000Z', '9b60df7463feb35b9585cbe0881b97a1c6adeb8ca17750c43c6d3e37d94922cf', 'rollout.verify', 'endpoint:fraud', '2dbc869e0bfad16e7baa4f15a6da178efc845044be2f66c513076776d2342b22', '{"state":"loading"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}', '40fb03f2e92698758f7f86663b39fdde4151862949088d0175aab77263daf3f1', '12aff591375b924cddb32a2e05791d4d3b906970bdaa662d834e70ce9bc27598', '97725161c76b61e8c5a2aae106c4809a5f2bd425c722fd1f32a8e58ff81aff81c66c7a57142c6e7590757fcb0198c17f8e17d89d8d058e072a730df039123607');
INSERT INTO public.events VALUES (17, '2026-01-02T03:04:05.000000Z', '9b60df7463feb35b9585cbe0881b97a1c6adeb8ca17750c43c6d3e37d94922cf', 'rollout.promote', 'endpoint:fraud', '35a8404caae9e8ff0aa951bf44e27ab3e9a9a91759d7d9f50fbea87b0e729c29', '{"state":"verifying"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}', '12aff591375b924cddb32a2e05791d4d3b906970bdaa662d834e70ce9bc27598', '2bdb0103ed1127671201c0e7b675a11e4b3b1b566f4b1fbfcda7c8b6f7b12d8c', 'bc542b8884a4a0a168a660483d32cfd2e01ab91b5d32c87fbbf11d2f68da19db4e7ec9c5cd14193a72a1323edae1b322f399f46649a0a14c61639c80376dd809');
INSERT INTO public.events VALUES (18, '2026-01-02T03:04:05.000000Z', '3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}', '2bdb0103ed1127671201c0e7b675a11e4b3b1b566f4b1fbfcda7c8b6f7b12d8c', '2f8f7d09dfdf1b6cd76de3b75668e0d0b227ad0cb1722d7353156a2e780fcf5e', '296e4b60101ec30efe4e20707a4ea7fa17ed12aa7602808bb3536c4ee4db26d35bd77ab13fad37cb91c29d2b64b9d4f882d7c1e45d84db1d0d756c3ae7fe960d');



INSERT INTO public.grants VALUES ('e3167e182a992e36', 'admin', '*', '*');
INSERT INTO public.grants VALUES ('2b3f57b40b19ba95', 'node', '*', '*');



INSERT INTO public.idempotency_keys VALUES ('local', 'POST /projects', 'k-1', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 201, '{}', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.instance VALUES ('epoch', '1');
INSERT INTO public.instance VALUES ('salt', '539027bfc48a7d59798763794c9bf5a343c54e72fb5e26ab68b7b7df27608658');
INSERT INTO public.instance VALUES ('id', 'e29cd215c51dd0e9');
INSERT INTO public.instance VALUES ('access_number', '4');
INSERT INTO public.instance VALUES ('node_tables', '1');
INSERT INTO public.instance VALUES ('rollouts', '2');



INSERT INTO public.ledger_head VALUES (1, 18, '2f8f7d09dfdf1b6cd76de3b75668e0d0b227ad0cb1722d7353156a2e780fcf5e');



INSERT INTO public.models VALUES ('fraud', 'fraud', 'default', 'ann', '', '{}', 2, 5, '2026-01-02T03:04:05.000000Z');



INSERT INTO public.personal_texts VALUES ('36afc990dcde2b6d96e2cac346321ce04a047e3aa884bbe3a21daa6488cd588b', 'actor', '\xa6e6ab318925f4049448b0bd2ee50001', 'headgate');
INSERT INTO public.personal_texts VALUES ('eeec7c706e51256df7ffd98bba22fe2030e7400b31b65a9a1711d68611a93cef', 'value', '\x8a72b4a183fd0c4b572679759eec1c01', 'local');
INSERT INTO public.personal_texts VALUES ('a8113c90f757fe51966724845d4a9bd295d9c72f9708dc8c89aa760f4daed1b4', 'value', '\x3c0838fd979f5235e3006c3fdf9b5e77', 'node');
INSERT INTO public.personal_texts VALUES ('615d102729044e743d73271b75c206cfeb3c115f1feccb007ae0ea18a212f009', 'value', '\x11324ee29185b20a45fb64b4eb17cc97', 'local');
INSERT INTO public.personal_texts VALUES ('4185a5aed45afd1e08ac52f8ca4673363d20ea4602cd89db8f3c5b51727118f4', 'value', '\x232cb731573121e1fbe4d4b797c7fc3e', 'node');
INSERT INTO public.personal_texts VALUES ('90af2e4214f1296fecd39c7b8fd726b753ab39f537704dbf467cae2e8e59720f', 'actor', '\xd42646a515bc4cc4d4412f92eeffbcf7', 'local');
INSERT INTO public.personal_texts VALUES ('3ab5c228bffdb3d5929e7cb00d76b2265d5fb03506b31d54155a2dc59137200b', 'actor', '\x1f6662354e6fdab1012e51dc5942491b', 'ann');
INSERT INTO public.personal_texts VALUES ('df69cc607ef891076f74ab37f8d019f14c2dce737241afa650e0640f924452a8', 'reason', '\x06003d82bfd57332c3ff69af0744812a', 'sound');
INSERT INTO public.personal_texts VALUES ('9b60df7463feb35b9585cbe0881b97a1c6adeb8ca17750c43c6d3e37d94922cf', 'actor', '\xfe152324f838b5e6dcd1050478bf456d', 'controller');
INSERT INTO public.personal_texts VALUES ('3d52d0fe401619d825e8fa042591921705de468e34670101596241ffd36272c9', 'reason', '\xa649e9d10d7e9f6cfc45503b3391d538', 'handed to the nodes');
INSERT INTO public.personal_texts VALUES ('2dbc869e0bfad16e7baa4f15a6da178efc845044be2f66c513076776d2342b22', 'reason', '\xaf92b8fdf2a46038dd84dc57611f0617', 'acknowledged by here/w0, here/w1');
INSERT INTO public.personal_texts VALUES ('35a8404caae9e8ff0aa951bf44e27ab3e9a9a91759d7d9f50fbea87b0e729c29', 'reason', '\x201cfae739a3e3a6f35609e1dfa05d09', 'acknowledged by here/w0, here/w1');



INSERT INTO public.projects VALUES ('default', 'default', '1970-01-01T00:00:00.000000Z');
INSERT INTO public.projects VALUES ('risk', 'risk', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.rollouts VALUES ('r-00000001', 'fraud', NULL, 'fraud:1', 'all-at-once', '{"force": false}', 'promoted', 'acknowledged by here/w0, here/w1', '[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}, {"state": "loading", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "handed to the nodes"}, {"state": "verifying", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}, {"state": "promoted", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}]', '[{"kind": "table", "epoch": 1, "generation": 1}, {"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {"approval": "approved"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud is new and takes its contract from fraud:1.", "evidence": {}, "binding": true, "forced": false}, {"kind": "acknowledgement", "living": ["here/w0", "here/w1"], "acknowledged": ["here/w0", "here/w1"], "failures": [], "seconds": 0.0}]', 'ann', '2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.000000Z', 4);
INSERT INTO public.rollouts VALUES ('r-00000002', 'fraud', 'fraud:1', 'fraud:2', 'all-at-once', '{"force": false}', 'pending', '', '[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}]', '[{"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:2 is pending.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "wait", "reason": "fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason \u2026`.", "evidence": {"approval": "pending"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud:2 takes the contract of fraud.", "evidence": {}, "binding": true, "forced": false}]', 'ann', '2026-01-02T03:04:05.000000Z', NULL, 1);



INSERT INTO public.route_tables VALUES ('fraud', 1, 1, '{"format":1,"endpoint":"fraud","epoch":1,"generation":1,"contract":{"inputs":[{"name":"age","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}],"outputs":[{"name":"predictions","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}]},"contract_version":1,"task":"regression","classes":[],"variants":[{"version":"fraud:1","digest":"3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291","role":"stable","weight":100,"form":"onnx","placement":"inline"}],"project":"default","environment":"staging","spec":{"limits":{"timeout_ms":30000,"max_rows":10000,"max_body_bytes":16777216,"concurrency":1024,"queue":4096,"requests_per_second":0.0,"burst":0},"unseen_category":"accept","out_of_range":"accept","record_sampling":1.0,"cache_entries":0,"fallback":""}}', '2026-01-02T03:04:05.000000Z', 'r-00000001');



INSERT INTO public.versions VALUES ('fraud', 2, 'eb8ec3a340bdae51a078b128bd72d14a80d8434a63120063d131f5df318a05e8', '{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":2.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, '', 'pending', '2026-01-02T03:04:05.000000Z', 'ann');
INSERT INTO public.versions VALUES ('fraud', 1, '3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291', '{"classes":[],"environment":{"packages":{},"python":"3.11"},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":1.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, '', 'approved', '2026-01-02T03:04:05.000000Z', 'ann');



ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);



ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT pk_access_keys PRIMARY KEY (id);



ALTER TABLE ONLY public.actors
    ADD CONSTRAINT pk_actors PRIMARY KEY (id);



ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT pk_aliases PRIMARY KEY (model, folded);



ALTER TABLE ONLY public.artifact_claims
    ADD CONSTRAINT pk_artifact_claims PRIMARY KEY (digest, holder);



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




