






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



INSERT INTO public.access_keys VALUES ('7edeadd6', 'ee31ec23abd8ce52c077060e0a263d7757ce95c88799444b1312f9e029998d74', 'faf42f23aeffd443', 'this machine', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0, 'normal');
INSERT INTO public.access_keys VALUES ('daaa66e2', '337dfe9b6036a2560e8ede3907290f161f1261c3448548fdf5b18a9c21184724', '9e6f46c874923a9d', 'agent', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0, 'normal');



INSERT INTO public.actors VALUES ('faf42f23aeffd443', 'local', 'local', 'service', '2026-01-02T03:04:05.000000Z', NULL);
INSERT INTO public.actors VALUES ('9e6f46c874923a9d', 'node', 'node', 'service', '2026-01-02T03:04:05.000000Z', NULL);



INSERT INTO public.alembic_version VALUES ('0004');



INSERT INTO public.aliases VALUES ('fraud', 'champion', 'champion', 1);






INSERT INTO public.endpoints VALUES ('fraud', 'fraud', 'default', 'staging', '{}', 6, '2026-01-02T03:04:05.000000Z', 'ann', false);



INSERT INTO public.environments VALUES ('staging', 'staging', false);
INSERT INTO public.environments VALUES ('production', 'production', true);



INSERT INTO public.events VALUES (1, '2026-01-02T03:04:05.000000Z', '47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'actor.create', 'actor:faf42f23aeffd443', '', 'null', '{"kind":"service","name":{"personal":"a4776de42933f105c68fe01fdc20d12e6a239de4235a484bdac6a4a6220b8c2f"}}', '0000000000000000000000000000000000000000000000000000000000000000', 'a9adb1174374173ea68f7df699fbef2f5b7a5c907adf315c0bbfbf59b3a46b23', 'fff6a9ac70a3879605116adf82375014f1557613636761446027233998d822eec241611656673e237ea0cd3b1dfe75666b75203798bca3e76e9aaf3503076707');
INSERT INTO public.events VALUES (2, '2026-01-02T03:04:05.000000Z', '47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'actor.grant', 'actor:faf42f23aeffd443', '', 'null', '{"environment":"*","project":"*","role":"admin"}', 'a9adb1174374173ea68f7df699fbef2f5b7a5c907adf315c0bbfbf59b3a46b23', '08068678447b3590a9189b4600bc1a202c51bb75bfde4a1c140f5de431fc2f4f', 'a057c591a22f35b13911a3b95254bea4860bce000e555ba5b17680a2126ab8c36a7fb650c3598121482def82611596cde7741f48693f308952df14473763020e');
INSERT INTO public.events VALUES (3, '2026-01-02T03:04:05.000000Z', '47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'actor.create', 'actor:9e6f46c874923a9d', '', 'null', '{"kind":"service","name":{"personal":"60bba4c637f587ebc18bc3a4b6c29972a2762beaa806bf6a76a2c69fed8dfe77"}}', '08068678447b3590a9189b4600bc1a202c51bb75bfde4a1c140f5de431fc2f4f', 'b039c8c86e9ae66317b8ac9f9425962488466e2871ffd5548b81b1d40e721eaf', 'f7d325803728a80095d84443345bc3f536db1727b3cde64c8938bdbf939de554cca3398b0df6e14bc79e1cee4b5540b3188e01cc9750ecaf5a7fe5bee28f5c02');
INSERT INTO public.events VALUES (4, '2026-01-02T03:04:05.000000Z', '47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'actor.grant', 'actor:9e6f46c874923a9d', '', 'null', '{"environment":"*","project":"*","role":"node"}', 'b039c8c86e9ae66317b8ac9f9425962488466e2871ffd5548b81b1d40e721eaf', '0b23066b86001f13492a67e8109ca070ae92bc51e126bc3eda3945a1cd183f98', '280ee865097af12dfd51b93b66cef148cb62a2582368499d9e749379778b336afb51d69e0e9b854a9389b10087b4ce043b60f4b43ef3652dc9c845ad28b8fd03');
INSERT INTO public.events VALUES (5, '2026-01-02T03:04:05.000000Z', '47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'key.issue', 'key:7edeadd6', '', 'null', '{"actor":{"personal":"ef7caaa00182f2a433c755f415f475d7d7e88bd067bd4969df4d59bc8279d8ee"},"expires_at":null}', '0b23066b86001f13492a67e8109ca070ae92bc51e126bc3eda3945a1cd183f98', 'a8af15be021b08ce9d1432bbf8f9cca4cac74486788c17e9222c4cfcd2c55218', '71a47a62ee380e12ff3b857077b80e69f9f8838dda03fcb574739238af5d4214f5cdb4c5e8055e80c89899eb095765f035efa3ed4885d86cf09c6325f0fe0406');
INSERT INTO public.events VALUES (6, '2026-01-02T03:04:05.000000Z', '47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'key.issue', 'key:daaa66e2', '', 'null', '{"actor":{"personal":"b9878a2630ffbd9f35e3f3544d7daa7fa75df545d1bd7a2ceb3c2b74003b6965"},"expires_at":null}', 'a8af15be021b08ce9d1432bbf8f9cca4cac74486788c17e9222c4cfcd2c55218', '8be94baac5a81f8dd3ed0691fdd749523c9d7b8fa4e8d74e2ab9195e35d4d133', '9080730a1729fdd9480a1d1c648e766c608fcebcf07f1636e2b92ef87b57bfc0547c715d206c96a4b2097f6c9081cac34f375e734f9e9ba5986391d0c24b5f07');
INSERT INTO public.events VALUES (7, '2026-01-02T03:04:05.000000Z', '0d68b848962d5cc0e30e2cbf61b3228514cbcae9a20b0559584df34330c075a6', 'project.create', 'project:risk', '', 'null', '{"name":"risk"}', '8be94baac5a81f8dd3ed0691fdd749523c9d7b8fa4e8d74e2ab9195e35d4d133', 'ced837222d24ee6912600d4f5184eeeeeb91cec9d23809467678d137ba10dd53', 'd3e644bfb6f1c1dbad478a5d6d3e5effb92db80ee063a559a4de807d107306584ce94d2f7c16c578eebb2cdac00597ff2a84a2166a157c93fc363ebffab04a0a');
INSERT INTO public.events VALUES (8, '2026-01-02T03:04:05.000000Z', '7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'model.create', 'model:fraud', '', 'null', '{"project":"default"}', 'ced837222d24ee6912600d4f5184eeeeeb91cec9d23809467678d137ba10dd53', '0245f36e90d317814ddb0805ceb048cc097f58d493056ed83bde392b58aae826', 'bd8ebcfad5cce434993613eecf0ec76a325773b252e6b3e9353335e275318ff7d5c8afd9cb6d9ee1e64625799721a6f6e48176c063a7f56df374a086a27d7a04');
INSERT INTO public.events VALUES (9, '2026-01-02T03:04:05.000000Z', '7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'version.register', 'version:fraud:1', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"b7e581725d1f3647cbb52da5c4e77df61aeb1e656d7018785bda85d42ca4f098","signed_by":"","state":"pending"}', '0245f36e90d317814ddb0805ceb048cc097f58d493056ed83bde392b58aae826', '413c93afb2a27f84b29f4ca75b8ff71e87ae1bf0d12b3315f947775081e7ac4e', '564342e84f316437faab32f37dde8bbd29c4c216f3bd0101c41ec3ebe301888857b0d08f063caadeaafd3f154888ec5208b5cad31ea365f59a564fd9d221e108');
INSERT INTO public.events VALUES (10, '2026-01-02T03:04:05.000000Z', '7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'version.register', 'version:fraud:2', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"bc4daac8cd8e41a8b074303eb05117daead219146608ecb8682395a1449b9155","signed_by":"","state":"pending"}', '413c93afb2a27f84b29f4ca75b8ff71e87ae1bf0d12b3315f947775081e7ac4e', '9ab563b014f50a617f78768b1d59db47df8d5e48346fb926e55e537acd65ad81', '2ba29a590cc283f653dd1d1d8610218bb8e79dcca7889665fe26e5285458e4df917a9fe9c8f3301b4376936e82d2449df4c0105a15c488c10afa21c354173d07');
INSERT INTO public.events VALUES (11, '2026-01-02T03:04:05.000000Z', '0d68b848962d5cc0e30e2cbf61b3228514cbcae9a20b0559584df34330c075a6', 'alias.set', 'model:fraud', '', '{"alias":"champion","version":null}', '{"alias":"champion","version":1}', '9ab563b014f50a617f78768b1d59db47df8d5e48346fb926e55e537acd65ad81', '7678f6b1f43623a1d8747cd853a7d8a7eaaab7bd68172eaac15987f72978e911', '63c43d41d49e9a2e415d6127e15e4da7f5482bc8aaaa8a41b4aa9da9d03a4b94222bd2532e1b65937347144622fe22e48b00d77e530945553f70f9a5dc48fe07');
INSERT INTO public.events VALUES (12, '2026-01-02T03:04:05.000000Z', '0d68b848962d5cc0e30e2cbf61b3228514cbcae9a20b0559584df34330c075a6', 'version.approve', 'version:fraud:1', '4b4b59e6d57a0062fd4d50e3e97beab74428dc7d73d3bef54cfa805f499a602e', '{"state":"pending"}', '{"state":"approved"}', '7678f6b1f43623a1d8747cd853a7d8a7eaaab7bd68172eaac15987f72978e911', 'ad26560d0243ff9ad7a6581bdf29438696404fc01e937e00cab19d1a9e23e4f8', 'ce62115039fea5846de900918dc385c34c803c81bd235fe46f9d22f437fbd888b8c4890bcb2d30a4208e0aaeb362355585afa0dedf1f96d6806e6350759b7500');
INSERT INTO public.events VALUES (13, '2026-01-02T03:04:05.000000Z', '7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'endpoint.create', 'endpoint:fraud', '', '{}', '{"environment":"staging","project":"default"}', 'ad26560d0243ff9ad7a6581bdf29438696404fc01e937e00cab19d1a9e23e4f8', '3e16812617775ae06ed635b465bba8f4c0c8bd22522b9bfec009dff645aa07a4', '0db344728628800c3931e7df0dbb626b23fc479856b64a2f7d022f8e48aa24d427f4f5e7c1214ea673ef5b98e6fba84c6cacf91d95a3d3601f0e931d1a885506');
INSERT INTO public.events VALUES (14, '2026-01-02T03:04:05.000000Z', '7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}', '3e16812617775ae06ed635b465bba8f4c0c8bd22522b9bfec009dff645aa07a4', '5c987a59a95de6b714239fe464008900c34b786aabb00f86b314a06a79d11e72', '911c0c46d8ea521c7f940b2277a0896db0c79a9eb83f3a1e077f51336629a425a88f86fa1dbbbab92ff51b0560295092c95caf4ad9787c55e2376ba75a8f0d03');
INSERT INTO public.events VALUES (15, '2026-01-02T03:04:05.000000Z', 'f9553909aacda3b0437c63cc7ad3178e2d5566d40da9ee7af609b8a48f95d186', 'rollout.publish', 'endpoint:fraud', 'f5e9ad7fc2609b8d0ce09c2a1d73880bbec4686d69acde1a199a35823e1ee9b3', '{"state":"pending"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}', '5c987a59a95de6b714239fe464008900c34b786aabb00f86b314a06a79d11e72', '18e21aab984f029fedc8d7f20ae4ed989a186714f80240740c72930910643de9', 'bca2038bffbb98c3edcb75335d2a3338df3f9e8f70ab0af818678badbe37046bf68594045240a4235b04b5ddaedb27ff2e713d3a366b9407b890e421aad21608');
INSERT INTO public.events VALUES (16, '2026-01-02T03:04:05.000000Z', 'f9553909aacda3b0437c63cc7ad3178e2d5566d40da9ee7af609b8a48f95d186', 'rollout.verify', 'endpoint:fraud', '5e70bbe5df00f7d55d080e78433186db783284b7170946c6b0245352198ce3b0', '{"state":"loading"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}', '18e21aab984f029fedc8d7f20ae4ed989a186714f80240740c72930910643de9', 'b358d63e3eb6f698e25e54fc93da6dcd5e1b855acea3c97a778af4f15d850f86', '52069d4dba88cb7ae1d5070171211db4f3548665e0cf5b5ed07162eea394d0249efa6bd792e4442a0740ba86feea9fe8d9fa4a1cb0cde86839efb7f05577a807');
INSERT INTO public.events VALUES (17, '2026-01-02T03:04:05.000000Z', 'f9553909aacda3b0437c63cc7ad3178e2d5566d40da9ee7af609b8a48f95d186', 'rollout.promote', 'endpoint:fraud', '9b8288b6c7e5000c7e4f2ec5cdd60bb1ef39d783534278c4994daec2f8ec2bd5', '{"state":"verifying"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}', 'b358d63e3eb6f698e25e54fc93da6dcd5e1b855acea3c97a778af4f15d850f86', 'edecd1f8c52dc89ba6a602b9d2bf8dea221cb857fab0f40b9c92c18062ecaff7', 'eef9039637da116e750490a29f1adc200b3b0c9cbda2ca7f30cb89268c8b94f24f88279740083cef39d5223448a140aef764d158ec342d2701f5a2e1426ea10c');
INSERT INTO public.events VALUES (18, '2026-01-02T03:04:05.000000Z', '7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"trusted","kind":"gate","reason":"Its signature is enough for what it is."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}', 'edecd1f8c52dc89ba6a602b9d2bf8dea221cb857fab0f40b9c92c18062ecaff7', 'dcf895ab9f962a24791b0249e0ae76fda5f7ea7ea5413443395d5620c54bcc7b', 'cd8e93362d0eaf01feb79b973eff1e6be7f1b9e8d04cb2de9c2f234734e5eb1f939da6fa1c1f0601e19254f281b56159ff0107d9797dbb6813585002d1b65d01');



INSERT INTO public.grants VALUES ('faf42f23aeffd443', 'admin', '*', '*');
INSERT INTO public.grants VALUES ('9e6f46c874923a9d', 'node', '*', '*');



INSERT INTO public.idempotency_keys VALUES ('local', 'POST /projects', 'k-1', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 201, '{}', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.instance VALUES ('epoch', '1');
INSERT INTO public.instance VALUES ('salt', '6f633aa3c0cafba9250790cdb1957f201cec5f5b8adca9fe7db016d2e2aa1eb5');
INSERT INTO public.instance VALUES ('id', '0d5c42c77b05634f');
INSERT INTO public.instance VALUES ('access_number', '4');
INSERT INTO public.instance VALUES ('node_tables', '1');
INSERT INTO public.instance VALUES ('rollouts', '2');



INSERT INTO public.ledger_head VALUES (1, 18, 'dcf895ab9f962a24791b0249e0ae76fda5f7ea7ea5413443395d5620c54bcc7b');



INSERT INTO public.models VALUES ('fraud', 'fraud', 'default', 'ann', '', '{}', 2, 5, '2026-01-02T03:04:05.000000Z');



INSERT INTO public.personal_texts VALUES ('47a03d5a539a292b1a829f22e098178eb50e1366c0bad39cfee3e0a836e13664', 'actor', '\x94c487d2e46a42e0494f53344ebff25f', 'headgate');
INSERT INTO public.personal_texts VALUES ('a4776de42933f105c68fe01fdc20d12e6a239de4235a484bdac6a4a6220b8c2f', 'value', '\x278af328405a578cadc83f00d3818aab', 'local');
INSERT INTO public.personal_texts VALUES ('60bba4c637f587ebc18bc3a4b6c29972a2762beaa806bf6a76a2c69fed8dfe77', 'value', '\xd93d355de034a021167e7931f4ab3706', 'node');
INSERT INTO public.personal_texts VALUES ('ef7caaa00182f2a433c755f415f475d7d7e88bd067bd4969df4d59bc8279d8ee', 'value', '\x0b8ba918cf31ab02caeeecbc3d422f85', 'local');
INSERT INTO public.personal_texts VALUES ('b9878a2630ffbd9f35e3f3544d7daa7fa75df545d1bd7a2ceb3c2b74003b6965', 'value', '\x9ac7517a83db6f94614f5ae67cc8c019', 'node');
INSERT INTO public.personal_texts VALUES ('0d68b848962d5cc0e30e2cbf61b3228514cbcae9a20b0559584df34330c075a6', 'actor', '\x55b042475804af703ce162209ea147d4', 'local');
INSERT INTO public.personal_texts VALUES ('7ae1798902a2af10f4460e7f335161d6ee465fea4d4f99d85854ec7d81ec8d60', 'actor', '\x9d11bfa7b39fe4c2b49d419bc61499fa', 'ann');
INSERT INTO public.personal_texts VALUES ('4b4b59e6d57a0062fd4d50e3e97beab74428dc7d73d3bef54cfa805f499a602e', 'reason', '\xe773e97561ca4ded35e93d3561ff526a', 'sound');
INSERT INTO public.personal_texts VALUES ('f9553909aacda3b0437c63cc7ad3178e2d5566d40da9ee7af609b8a48f95d186', 'actor', '\xea10627f4a2319d27e643835f53275f8', 'controller');
INSERT INTO public.personal_texts VALUES ('f5e9ad7fc2609b8d0ce09c2a1d73880bbec4686d69acde1a199a35823e1ee9b3', 'reason', '\x98b62b27d5260987160dcbc48297bc9d', 'handed to the nodes');
INSERT INTO public.personal_texts VALUES ('5e70bbe5df00f7d55d080e78433186db783284b7170946c6b0245352198ce3b0', 'reason', '\x6eca80a7bdd83462501fdf63294ef608', 'acknowledged by here/w0, here/w1');
INSERT INTO public.personal_texts VALUES ('9b8288b6c7e5000c7e4f2ec5cdd60bb1ef39d783534278c4994daec2f8ec2bd5', 'reason', '\xf746e96b068038ea149b3dbd7c466006', 'acknowledged by here/w0, here/w1');



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




