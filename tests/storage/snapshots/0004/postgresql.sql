






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
    concurrency integer DEFAULT 0 NOT NULL,
    priority character varying(16) DEFAULT 'normal'::character varying NOT NULL
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



INSERT INTO public.access_keys VALUES ('3c3496c0', '050058dbcfffaf66d06e41bb99016901a2a2ef4e1318657a75cd9b6d3f3706a6', 'af60e414306aa2e0', 'this machine', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0, 'normal');
INSERT INTO public.access_keys VALUES ('6a061d9e', 'dc3d99deb656883521983866e4273200974bbb88e6f82c023585be6be5888800', '86cac3da1a38cfa3', 'agent', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0, 'normal');



INSERT INTO public.actors VALUES ('af60e414306aa2e0', 'local', 'local', 'service', '2026-01-02T03:04:05.000000Z', NULL);
INSERT INTO public.actors VALUES ('86cac3da1a38cfa3', 'node', 'node', 'service', '2026-01-02T03:04:05.000000Z', NULL);



INSERT INTO public.alembic_version VALUES ('0004');



INSERT INTO public.aliases VALUES ('fraud', 'champion', 'champion', 1);






INSERT INTO public.endpoints VALUES ('fraud', 'fraud', 'default', 'staging', '{}', 6, '2026-01-02T03:04:05.000000Z', 'ann', false);



INSERT INTO public.environments VALUES ('staging', 'staging', false);
INSERT INTO public.environments VALUES ('production', 'production', true);



INSERT INTO public.events VALUES (1, '2026-01-02T03:04:05.000000Z', 'a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'actor.create', 'actor:af60e414306aa2e0', '', 'null', '{"kind":"service","name":{"personal":"aa41b9a719eef38b60802aecefed406d981f6d80b8f793d291d4cfa4a6ca8852"}}', '0000000000000000000000000000000000000000000000000000000000000000', '1a58d92a396e2d1ae3ca37968c7f5d817bc7654675c90d2531519611f84846d5', '446c9128b95ddf2ccbbf3918a5ff98c0e0d573b0045774029b68542e2891dff5ce67846dfc20bdbf71244174b959bc1c2921cfc3881ef082bed04e1865a98806');
INSERT INTO public.events VALUES (2, '2026-01-02T03:04:05.000000Z', 'a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'actor.grant', 'actor:af60e414306aa2e0', '', 'null', '{"environment":"*","project":"*","role":"admin"}', '1a58d92a396e2d1ae3ca37968c7f5d817bc7654675c90d2531519611f84846d5', '3196572da68e361c9384d36846d3a34cedb8d15f27a8cd4e947e1729c5a6e68a', '852b60ae8569eddc31cbbae4d3c40186e1a2bf9321de31a14af082a5e7224d69140707eb8ed22c947dce7d66b9a124e3d1cec6939f864d4f5c899ec155048805');
INSERT INTO public.events VALUES (3, '2026-01-02T03:04:05.000000Z', 'a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'actor.create', 'actor:86cac3da1a38cfa3', '', 'null', '{"kind":"service","name":{"personal":"a26968c7a5159f85e07a2da3176d1fad1685e534f5ebc7bbcd2a42276d4d83f1"}}', '3196572da68e361c9384d36846d3a34cedb8d15f27a8cd4e947e1729c5a6e68a', '6f1a5a175cfa4fe426f742ef5e3f3228668a8db6b6d67ce077e6fb36aca8aa4f', '86c390d65ccee1b8078f024840e64f422ce45cbae0dfc4ab17194154113a119bf7c862d29cfb61f4d5fbcfcdab4d3ff6dd37301e9467454497c93c1c32daf30e');
INSERT INTO public.events VALUES (4, '2026-01-02T03:04:05.000000Z', 'a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'actor.grant', 'actor:86cac3da1a38cfa3', '', 'null', '{"environment":"*","project":"*","role":"node"}', '6f1a5a175cfa4fe426f742ef5e3f3228668a8db6b6d67ce077e6fb36aca8aa4f', '9294f42ec9dcf4e2596d5d1334b77fb555f621819fbfc9b75437e8c32c04e641', '73d07ed06982c0bf5facf7ea8e22b3be9eaaf9e83962a2d51d41ffad4ceaaec675e3bdaa955eb2dc4cf642862216c699df4dc94c6053cd6e4a8298a59e3cbe04');
INSERT INTO public.events VALUES (5, '2026-01-02T03:04:05.000000Z', 'a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'key.issue', 'key:3c3496c0', '', 'null', '{"actor":{"personal":"2703f633dec0ac291053f95dcb0e2c2088b923cf0a988e6f762f6b4179a90d42"},"expires_at":null}', '9294f42ec9dcf4e2596d5d1334b77fb555f621819fbfc9b75437e8c32c04e641', '9e31eaf2707851ea5179ea2e008a1e8a607568a96018aee27c5297d9586ec5e0', '9c6c61ab14f71c318daf58784a82c37b2f585b2f6246aa6ccb271b80bd947b806aeb702a48fad1fc093b833d3f1f8365b0f62342d17e0c3196a8c910322fb002');
INSERT INTO public.events VALUES (6, '2026-01-02T03:04:05.000000Z', 'a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'key.issue', 'key:6a061d9e', '', 'null', '{"actor":{"personal":"27b1327b92adf15368e043d0ed033ff1b7fd4316348bd95634073f2487667f9a"},"expires_at":null}', '9e31eaf2707851ea5179ea2e008a1e8a607568a96018aee27c5297d9586ec5e0', '6095dafcc12505ff5166c483954729ee2da85df8d57f5eacb8dd22aa2816304d', 'b1b4b8eda9d14dcc49286b41aa5c7551dec7a7ff299bc8f91730bafa119d04b8aa36dd9b88571193676fc7eba2c55c950e23da51eddfc3d9436aed12e9e2910c');
INSERT INTO public.events VALUES (7, '2026-01-02T03:04:05.000000Z', '9ed943bb0987d2285a26a776a6353c4767e9af6677167dcad0cb89e0c5a86de3', 'project.create', 'project:risk', '', 'null', '{"name":"risk"}', '6095dafcc12505ff5166c483954729ee2da85df8d57f5eacb8dd22aa2816304d', '1d7126889c2b1ccceb53b2c463de69daa369a36f76f48b8b96aaac996e786f8c', '02973c7938a638d7dbc37944c0fcb28241b2a6ebf6b54d52e20917bdc0bfb249321d5ca256aaaaa71f805ff75b529621cdf931be1be8033bb424ef69ea0e1306');
INSERT INTO public.events VALUES (8, '2026-01-02T03:04:05.000000Z', '110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'model.create', 'model:fraud', '', 'null', '{"project":"default"}', '1d7126889c2b1ccceb53b2c463de69daa369a36f76f48b8b96aaac996e786f8c', 'af3b4367bbec3ab3e1402a8664703cae237a11cabf1055927465104b7de5126b', '33e7ad780b3b8424dca0ecdf62420ffb234674e7702de27ffa49961a4561f36d510dd580a1cde758c96bd15ab6b816e62568c5352fa7fe1d73f283e2c2e71304');
INSERT INTO public.events VALUES (9, '2026-01-02T03:04:05.000000Z', '110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'version.register', 'version:fraud:1', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098","signed_by":"","state":"pending"}', 'af3b4367bbec3ab3e1402a8664703cae237a11cabf1055927465104b7de5126b', '6ba55b3b83815834649f483f71960b407d7de15edfe396b3ba84e0a0bd3faac0', '23f1170644639f4f31ac36fb5c13fc3dff270cade8de0134aab530667cc5938da9bea3428b8cefcda62f5a0598c11f9c9263389205de6851768eaef015193704');
INSERT INTO public.events VALUES (10, '2026-01-02T03:04:05.000000Z', '110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'version.register', 'version:fraud:2', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"bc4daac8cd8e41a8b074303eb05117daead219146608ecb8682395a1449b9155","signed_by":"","state":"pending"}', '6ba55b3b83815834649f483f71960b407d7de15edfe396b3ba84e0a0bd3faac0', '2b3177993f52751d5c3465b8f863df19d2f879a38f1d84006a720964b9da5c02', '33e0c7d1b1c67aac8e6f5d2fdbf108edd74b9ccf3f93e0706ff548504d60bf62cdf8364d20a259e1482fcd27c964df8b1cce1118b5da935ff54b71410b57df05');
INSERT INTO public.events VALUES (11, '2026-01-02T03:04:05.000000Z', '9ed943bb0987d2285a26a776a6353c4767e9af6677167dcad0cb89e0c5a86de3', 'alias.set', 'model:fraud', '', '{"alias":"champion","version":null}', '{"alias":"champion","version":1}', '2b3177993f52751d5c3465b8f863df19d2f879a38f1d84006a720964b9da5c02', '2eb361e6f5f58b31b984d7a9252403b53756828c06762e78a4ebcd930c6aeb56', 'eafad46c5a386f6362509a8485f53c203c352801d1442768af673ab8823cbf4850636a33856cc087ee88f6654aa66be7f6b21c01347fcd86184b4841efdcc60e');
INSERT INTO public.events VALUES (12, '2026-01-02T03:04:05.000000Z', '9ed943bb0987d2285a26a776a6353c4767e9af6677167dcad0cb89e0c5a86de3', 'version.approve', 'version:fraud:1', '8b3bd08c62dbcfe4937cb8231893ee8479717ede829f8594f5a041249543792c', '{"state":"pending"}', '{"state":"approved"}', '2eb361e6f5f58b31b984d7a9252403b53756828c06762e78a4ebcd930c6aeb56', '95ec78518087e42089e92d51cbddf95d422d00dfdc1c252fbd7bddd4467fc444', 'e96d35dffad83b59ef06a92cb0f1fca3d550a8ab8bd4b0279ad15e39ceafbf0ce20d3f204a9b307dfea90d7c9c1f4a89be746c20fd94c1219e95a17553619e0e');
INSERT INTO public.events VALUES (13, '2026-01-02T03:04:05.000000Z', '110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'endpoint.create', 'endpoint:fraud', '', '{}', '{"environment":"staging","project":"default"}', '95ec78518087e42089e92d51cbddf95d422d00dfdc1c252fbd7bddd4467fc444', '37017c2b42937734013cd6eb282096819fc381d49dd5eb522a1627a3e1532376', 'cb4f390ba1c41a26a253cc8deb378adffeac9f80313d67c532578c1383570fb82221aae2e506029e25255006d7b7af73e454357fff583ba7edc3e404a9d5b401');
INSERT INTO public.events VALUES (14, '2026-01-02T03:04:05.000000Z', '110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}', '37017c2b42937734013cd6eb282096819fc381d49dd5eb522a1627a3e1532376', '172a2285b678f355f137306eb56cda7d52f9175f86cf7e7dc22b8130099b4494', '6f7b31684418413a050218ffda746ab6b6db1f6310daf5c171a1bebfba6da3ae71fe33778b476fcec6eabdfe8ca5930b003e0e0eb3555e489c61dd796a65b20b');
INSERT INTO public.events VALUES (15, '2026-01-02T03:04:05.000000Z', '4f9eadcbddeed66b30a25072eec212d106ec98d8fcef2ba3921629228d9c3ce6', 'rollout.publish', 'endpoint:fraud', 'c63fe26331a79651b283222c50b0b9f2376c0ac649b9e214dd669d9423bc7391', '{"state":"pending"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}', '172a2285b678f355f137306eb56cda7d52f9175f86cf7e7dc22b8130099b4494', 'bca0b86c668ffaa5e77d809fb421c03b1090453979b7962c5944d656b53b7258', 'd1a84264c23a3e50cd1c9cdeab9f0c46576c71e64577f0b3fafecbb4cc3de736d1c879e83a207a0853696a359f22e3a5a226d091dc779a36bf91fe298125bd04');
INSERT INTO public.events VALUES (16, '2026-01-02T03:04:05.000000Z', '4f9eadcbddeed66b30a25072eec212d106ec98d8fcef2ba3921629228d9c3ce6', 'rollout.verify', 'endpoint:fraud', 'fc20c6b2bca60c6fc9a80ead7fa83873dcdc1abd06850bd3660ac1aa08b3926b', '{"state":"loading"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}', 'bca0b86c668ffaa5e77d809fb421c03b1090453979b7962c5944d656b53b7258', '53598038e633ce12067504670ce9ff668e866682fe91770eb9f7990628ae6172', '7553b0f0b38dbe3164cfa997110025eec32b35e3a4de6daa73861fc6362dac2eca93d5e6a902c583f73d64b862b589ca52b70e35b3469ec43e363feddf93aa09');
INSERT INTO public.events VALUES (17, '2026-01-02T03:04:05.000000Z', '4f9eadcbddeed66b30a25072eec212d106ec98d8fcef2ba3921629228d9c3ce6', 'rollout.promote', 'endpoint:fraud', '9c6e91eb62f984592a86c18ca125fd37254c9a41f97d1db6089f2d2d6790c48e', '{"state":"verifying"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}', '53598038e633ce12067504670ce9ff668e866682fe91770eb9f7990628ae6172', '2b781650a654fa2bbd43a905d3d581afb2d1c0095bfd0a2b8e79f31c80474d83', '7632177c4f3630fd87e5aec97132926a3cbd37b563aa4553b75fa79834ce160b17bfe805e0d8b1b593dc3f82bc049f9ebab06a267dfe87f90f3607c83b14c807');
INSERT INTO public.events VALUES (18, '2026-01-02T03:04:05.000000Z', '110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}', '2b781650a654fa2bbd43a905d3d581afb2d1c0095bfd0a2b8e79f31c80474d83', '6452ace5b8785a50488a09b918abe937881c14d6b2d22e80d67e56fc48ec1a2f', 'd5a4b8fe549bb782e8367e05e3cffa19d950b089c74ef7afcfc35320eb6a22768224bf080f69d0972e247c0eb907eb88bdd1bea94b0248e47f8faf79defdcf0e');



INSERT INTO public.grants VALUES ('af60e414306aa2e0', 'admin', '*', '*');
INSERT INTO public.grants VALUES ('86cac3da1a38cfa3', 'node', '*', '*');



INSERT INTO public.idempotency_keys VALUES ('local', 'POST /projects', 'k-1', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 201, '{}', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.instance VALUES ('epoch', '1');
INSERT INTO public.instance VALUES ('salt', '6080be0c311d7460f8ec5c2e2581c5a176323e16103275e4f5b43b8bb015b37a');
INSERT INTO public.instance VALUES ('id', 'c57b40cdd9bbd1ab');
INSERT INTO public.instance VALUES ('access_number', '4');
INSERT INTO public.instance VALUES ('node_tables', '1');
INSERT INTO public.instance VALUES ('rollouts', '2');



INSERT INTO public.ledger_head VALUES (1, 18, '6452ace5b8785a50488a09b918abe937881c14d6b2d22e80d67e56fc48ec1a2f');



INSERT INTO public.models VALUES ('fraud', 'fraud', 'default', 'ann', '', '{}', 2, 5, '2026-01-02T03:04:05.000000Z');



INSERT INTO public.personal_texts VALUES ('a95d9330c1522c1d249e89b4e154276791cbef6eab88df115f581e95f6966541', 'actor', '\xe0ece81c1c71ed86eeac117e4b8d66e0', 'headgate');
INSERT INTO public.personal_texts VALUES ('aa41b9a719eef38b60802aecefed406d981f6d80b8f793d291d4cfa4a6ca8852', 'value', '\x1236af6028e91af0d9bf6ec9dae5ecc1', 'local');
INSERT INTO public.personal_texts VALUES ('a26968c7a5159f85e07a2da3176d1fad1685e534f5ebc7bbcd2a42276d4d83f1', 'value', '\xc64f0af2f5be7b1d59b2b05a583b1717', 'node');
INSERT INTO public.personal_texts VALUES ('2703f633dec0ac291053f95dcb0e2c2088b923cf0a988e6f762f6b4179a90d42', 'value', '\x24326da5d712cb9acbdf018086c2dcdf', 'local');
INSERT INTO public.personal_texts VALUES ('27b1327b92adf15368e043d0ed033ff1b7fd4316348bd95634073f2487667f9a', 'value', '\x21b056faed8ab2eab9f0e50a969784d7', 'node');
INSERT INTO public.personal_texts VALUES ('9ed943bb0987d2285a26a776a6353c4767e9af6677167dcad0cb89e0c5a86de3', 'actor', '\x14a5e219492b5f54e25dbcb8383d3f17', 'local');
INSERT INTO public.personal_texts VALUES ('110fe01c418a44d0fe787613f4bfc29c568eafce5ae62bd2f2b63f1221a4881c', 'actor', '\x350445414992a13e5aaf05650de7c9ab', 'ann');
INSERT INTO public.personal_texts VALUES ('8b3bd08c62dbcfe4937cb8231893ee8479717ede829f8594f5a041249543792c', 'reason', '\x9a96c3b551277bfc4d5105f59eca22a5', 'sound');
INSERT INTO public.personal_texts VALUES ('4f9eadcbddeed66b30a25072eec212d106ec98d8fcef2ba3921629228d9c3ce6', 'actor', '\x42c4cbfe807b8fe5983580fbc01ae7fd', 'controller');
INSERT INTO public.personal_texts VALUES ('c63fe26331a79651b283222c50b0b9f2376c0ac649b9e214dd669d9423bc7391', 'reason', '\x3c1f6515727cd7ecc0da46218a2477ab', 'handed to the nodes');
INSERT INTO public.personal_texts VALUES ('fc20c6b2bca60c6fc9a80ead7fa83873dcdc1abd06850bd3660ac1aa08b3926b', 'reason', '\x18e1a2f78b92920d889c9351b31b02d4', 'acknowledged by here/w0, here/w1');
INSERT INTO public.personal_texts VALUES ('9c6e91eb62f984592a86c18ca125fd37254c9a41f97d1db6089f2d2d6790c48e', 'reason', '\xc18126483ac69a7b4dfa7077da4f36ec', 'acknowledged by here/w0, here/w1');



INSERT INTO public.projects VALUES ('default', 'default', '1970-01-01T00:00:00.000000Z');
INSERT INTO public.projects VALUES ('risk', 'risk', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.rollouts VALUES ('r-00000001', 'fraud', NULL, 'fraud:1', 'all-at-once', '{"force": false}', 'promoted', 'acknowledged by here/w0, here/w1', '[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}, {"state": "loading", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "handed to the nodes"}, {"state": "verifying", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}, {"state": "promoted", "at": "2026-01-02T03:04:05.000000Z", "by": "controller", "note": "acknowledged by here/w0, here/w1"}]', '[{"kind": "table", "epoch": 1, "generation": 1}, {"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "trusted", "answer": "accept", "reason": "Its signature is enough for what it is.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "accept", "reason": "fraud:1 is approved.", "evidence": {"approval": "approved"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud is new and takes its contract from fraud:1.", "evidence": {}, "binding": true, "forced": false}, {"kind": "acknowledgement", "living": ["here/w0", "here/w1"], "acknowledged": ["here/w0", "here/w1"], "failures": [], "seconds": 0.0}]', 'ann', '2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.000000Z', 4);
INSERT INTO public.rollouts VALUES ('r-00000002', 'fraud', 'fraud:1', 'fraud:2', 'all-at-once', '{"force": false}', 'pending', '', '[{"state": "pending", "at": "2026-01-02T03:04:05.000000Z", "by": "ann", "note": ""}]', '[{"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:2 is pending.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "trusted", "answer": "accept", "reason": "Its signature is enough for what it is.", "evidence": {}, "binding": true, "forced": false}, {"kind": "gate", "gate": "approved", "answer": "wait", "reason": "fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason \u2026`.", "evidence": {"approval": "pending"}, "binding": false, "forced": false}, {"kind": "gate", "gate": "serves", "answer": "accept", "reason": "Serves onnx.", "evidence": {"runtime": "onnx"}, "binding": true, "forced": false}, {"kind": "gate", "gate": "signature", "answer": "accept", "reason": "fraud:2 takes the contract of fraud.", "evidence": {}, "binding": true, "forced": false}]', 'ann', '2026-01-02T03:04:05.000000Z', NULL, 1);



INSERT INTO public.route_tables VALUES ('fraud', 1, 1, '{"format":1,"endpoint":"fraud","epoch":1,"generation":1,"contract":{"inputs":[{"name":"age","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}],"outputs":[{"name":"predictions","dtype":"float64","roles":["feature"],"nullable":false,"categories":null,"closed":false,"minimum":null,"maximum":null,"shape":[],"example":null}]},"contract_version":1,"task":"regression","classes":[],"variants":[{"version":"fraud:1","digest":"b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098","role":"stable","weight":100,"form":"onnx","placement":"inline"}],"project":"default","environment":"staging","spec":{"limits":{"timeout_ms":30000,"max_rows":10000,"max_body_bytes":16777216,"concurrency":1024,"queue":4096,"requests_per_second":0.0,"burst":0},"unseen_category":"accept","out_of_range":"accept","record_sampling":1.0,"cache_entries":0,"fallback":""}}', '2026-01-02T03:04:05.000000Z', 'r-00000001');



INSERT INTO public.versions VALUES ('fraud', 2, 'bc4daac8cd8e41a8b074303eb05117daead219146608ecb8682395a1449b9155', '{"classes":[],"environment":{"direct":[],"packages":{},"python":"3.11","unlocked":""},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":2.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, '', 'pending', '2026-01-02T03:04:05.000000Z', 'ann');
INSERT INTO public.versions VALUES ('fraud', 1, 'b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098', '{"classes":[],"environment":{"direct":[],"packages":{},"python":"3.11","unlocked":""},"files":{},"format":1,"forms":{"onnx":{"options":{},"parity":null,"path":"model.onnx","refused":"","runtime":"onnx"}},"framework":"onnx","framework_version":"","lineage":{"code":"","data_digest":"","data_rows":0,"data_source":"","git_commit":"","parent_run":"","trained_at":""},"metrics":{"number":1.0},"name":"fraud","serves":"onnx","serves_because":"","signature":{"inputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"age","nullable":false,"roles":["feature"],"shape":[]}],"outputs":[{"categories":null,"closed":false,"dtype":"float64","example":null,"maximum":null,"minimum":null,"name":"predictions","nullable":false,"roles":["feature"],"shape":[]}]},"task":"regression","trusted_code":[]}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, '', 'approved', '2026-01-02T03:04:05.000000Z', 'ann');



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




