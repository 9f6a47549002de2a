






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



INSERT INTO public.access_keys VALUES ('3164e595', '36393d4caa068be4c5723d585b36dca0a2e199247435d069ef3bb5d16f6c3b89', 'ab225e23fc855992', 'this machine', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0);
INSERT INTO public.access_keys VALUES ('a964e8b9', '112504be5adbccbaaa598ebdc71b007395f8f678c84116bc8f6fe7cae2a6441a', '87d55f1410fd768d', 'agent', '2026-01-02T03:04:05.000000Z', 'headgate', NULL, NULL, 0, 0);



INSERT INTO public.actors VALUES ('ab225e23fc855992', 'local', 'local', 'service', '2026-01-02T03:04:05.000000Z', NULL);
INSERT INTO public.actors VALUES ('87d55f1410fd768d', 'node', 'node', 'service', '2026-01-02T03:04:05.000000Z', NULL);



INSERT INTO public.alembic_version VALUES ('0002');



INSERT INTO public.aliases VALUES ('fraud', 'champion', 'champion', 1);



INSERT INTO public.endpoints VALUES ('fraud', 'fraud', 'default', 'staging', '{}', 6, '2026-01-02T03:04:05.000000Z', 'ann', false);



INSERT INTO public.environments VALUES ('staging', 'staging', false);
INSERT INTO public.environments VALUES ('production', 'production', true);



INSERT INTO public.events VALUES (1, '2026-01-02T03:04:05.000000Z', '4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'actor.create', 'actor:ab225e23fc855992', '', 'null', '{"kind":"service","name":{"personal":"a2cc59caf02629766b54ff4dd0520deea2cc73af8ea3a4bed0f3ae795d4e1d98"}}', '0000000000000000000000000000000000000000000000000000000000000000', 'e62db37c5657e36fd85dbf00fedcbf33129538690cda7de02e213266e4810ca3', '36ca437f7266bedb6a693f22d0ad854fb917790c6dfced58dc32094332496a70631043bc92f02caea09d2c9b558599f30ab6876849c853d54ebdffe867910a0c');
INSERT INTO public.events VALUES (2, '2026-01-02T03:04:05.000000Z', '4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'actor.grant', 'actor:ab225e23fc855992', '', 'null', '{"environment":"*","project":"*","role":"admin"}', 'e62db37c5657e36fd85dbf00fedcbf33129538690cda7de02e213266e4810ca3', '70215d3db418f8a4e93cb899aba4ca62aefc43a4be9b2d5ce187bd47346f816a', 'a5df597aa9d739bae8d1369da60803c94f38eb6b861186405e188a7aea50a161402a0db263aa5c4019687f5075e356165f9113cea77954d401b8f9d3f8378e01');
INSERT INTO public.events VALUES (3, '2026-01-02T03:04:05.000000Z', '4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'actor.create', 'actor:87d55f1410fd768d', '', 'null', '{"kind":"service","name":{"personal":"6b872f2c2d8ead4a092ef64ab1c0ea191509ecc47ebb518cf72f2337e79b79c9"}}', '70215d3db418f8a4e93cb899aba4ca62aefc43a4be9b2d5ce187bd47346f816a', '6f0d02f46e69e653ecb286fd9aa017a3aa7056dbea0ef5cd8b022facc04ec72c', 'b53626ec2dc67981357fed015d44305e6766c49e453f790bcc5f9cf251655ce551dc00fb171c6f050dbe8be9969d1cb1e3f85193d775b5c81464d6bd281db607');
INSERT INTO public.events VALUES (4, '2026-01-02T03:04:05.000000Z', '4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'actor.grant', 'actor:87d55f1410fd768d', '', 'null', '{"environment":"*","project":"*","role":"node"}', '6f0d02f46e69e653ecb286fd9aa017a3aa7056dbea0ef5cd8b022facc04ec72c', '7cdec8152e7d59d2a97701291819be98529ccf7008ec5ca9f3ba56e2e256803d', 'f05d676fd8439fbfe5fefa5aa71ee170802195b8d4d305beb4c17598386d112085beffce060785192840cc22f112661ed976360dee9be4378383f78215912b03');
INSERT INTO public.events VALUES (5, '2026-01-02T03:04:05.000000Z', '4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'key.issue', 'key:3164e595', '', 'null', '{"actor":{"personal":"c9f35b5aa072d14be6f8fab45929502231b03c950924a51d7ab919b4548a78d2"},"expires_at":null}', '7cdec8152e7d59d2a97701291819be98529ccf7008ec5ca9f3ba56e2e256803d', '3d3b603342be92ead00e0098bc287a9ae129be41fc630086153da0a895db6331', 'd5069720bfc6e533e774e67ad3067b448ff8443082b6c36cf7a2d5a430fb6d1581e3b2cef540086192ca94c273dbb307ed775fb1bf32ec04f0c459a668b1120f');
INSERT INTO public.events VALUES (6, '2026-01-02T03:04:05.000000Z', '4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'key.issue', 'key:a964e8b9', '', 'null', '{"actor":{"personal":"d497ecc062eb912ab9927f46c37125d145283495f456a7523fb1b94b69819b3e"},"expires_at":null}', '3d3b603342be92ead00e0098bc287a9ae129be41fc630086153da0a895db6331', 'a2ce9a430efce53ccba3f658d876115274ae1989c8e9c8e64686fb1edda548e1', '83a7cdf2208928c1087cc66e77572b22af815a3ae1afed7f9f5363d0567a5c86cdf740a4e9e92272d271cd13bd07bf2daec9b0536792899cd2b521017d038609');
INSERT INTO public.events VALUES (7, '2026-01-02T03:04:05.000000Z', 'f6ecac91b687399799a50b1ff85409876fa5e9dfc29f15d036ceaf53ffc6c14f', 'project.create', 'project:risk', '', 'null', '{"name":"risk"}', 'a2ce9a430efce53ccba3f658d876115274ae1989c8e9c8e64686fb1edda548e1', '4e4b40977ff8612d84fe626a03649e0ad57b7c5edbd5c1e655de41c96ac628bd', 'ce40134d34e49a9000ce7b7d4bb81d9270470e0a960caf83d56dc232214e63f765b006982a7dca08b21ec40d18602cd1a7748fb653caa8dfaf8ecc9d605beb0c');
INSERT INTO public.events VALUES (8, '2026-01-02T03:04:05.000000Z', '667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'model.create', 'model:fraud', '', 'null', '{"project":"default"}', '4e4b40977ff8612d84fe626a03649e0ad57b7c5edbd5c1e655de41c96ac628bd', '0fe0e59ce6c5a5ab9b946333d8f868483198315089be7fbe4586b45920a0e944', 'de082f101ef148954f76cf4f3c77d65a935c2047a43875eebf01f18c73cca715285a070a1fb3c14483ea75c938cf9d7ecf65159563f578d984b33642218f9309');
INSERT INTO public.events VALUES (9, '2026-01-02T03:04:05.000000Z', '667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'version.register', 'version:fraud:1', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"3ae2ee80f855ccdbc2bc1522739f7b7f514262bd444cbff780ee094c1b8d6291","signed_by":"","state":"pending"}', '0fe0e59ce6c5a5ab9b946333d8f868483198315089be7fbe4586b45920a0e944', '101d16643a4749f1afd3c34b1c317bc9411fd5a2e3bb2e12953e8f1a8fefe385', 'b2eea29d84d7ff19d2f99842d1adcc02ef9235c89a06f128109363f4508fabf8f231d30c9b05864887fa93a69b104162b2d80e941b97a38e6a5d2d2f19bd6803');
INSERT INTO public.events VALUES (10, '2026-01-02T03:04:05.000000Z', '667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'version.register', 'version:fraud:2', '', 'null', '{"artifact":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":"eb8ec3a340bdae51a078b128bd72d14a80d8434a63120063d131f5df318a05e8","signed_by":"","state":"pending"}', '101d16643a4749f1afd3c34b1c317bc9411fd5a2e3bb2e12953e8f1a8fefe385', 'db4c932400c1a317144e269548cce4d79d06a1bcb3e96bf3ea1c6f9446c20a24', '51531bc7b0cf49ff06ef1fe56b83344c2c003eea96d9b8d7b968f09018c51c6ab3237a1578c8c9431d77b03e2f727969918739425c66354b96794b153b5c580d');
INSERT INTO public.events VALUES (11, '2026-01-02T03:04:05.000000Z', 'f6ecac91b687399799a50b1ff85409876fa5e9dfc29f15d036ceaf53ffc6c14f', 'alias.set', 'model:fraud', '', '{"alias":"champion","version":null}', '{"alias":"champion","version":1}', 'db4c932400c1a317144e269548cce4d79d06a1bcb3e96bf3ea1c6f9446c20a24', '4d9e044b2b7769697a6f001ea5edbd48dc4cf67ccfcd2c9c1995ec081198eec2', '303b4856a138ae08e45956e2d84b32826c0847e0d4146a27ff607008b50181ceeae450942cfcf81a56b87eff14ccfaf0f7093a920ae676f0c5dee800e2f97f05');
INSERT INTO public.events VALUES (12, '2026-01-02T03:04:05.000000Z', 'f6ecac91b687399799a50b1ff85409876fa5e9dfc29f15d036ceaf53ffc6c14f', 'version.approve', 'version:fraud:1', '37715cc6e95c0b7853e4360e1e77b1a9b5c7375df012056b3870956e85e61527', '{"state":"pending"}', '{"state":"approved"}', '4d9e044b2b7769697a6f001ea5edbd48dc4cf67ccfcd2c9c1995ec081198eec2', '7822ea271764eab96d256aabac4bada63bdd852f4c8e7b25410d237b952b6d35', '6d85411b24118882f5e04170e86af2bda7470c835197358578e4867b9dd893adea5dea118726040c9e882c8e39b8b32d4cd9aaf30d21fe0218cc3a4a4c78e202');
INSERT INTO public.events VALUES (13, '2026-01-02T03:04:05.000000Z', '667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'endpoint.create', 'endpoint:fraud', '', '{}', '{"environment":"staging","project":"default"}', '7822ea271764eab96d256aabac4bada63bdd852f4c8e7b25410d237b952b6d35', '67993cd5cb7424b278edb8df222d7ce18d64b34fe6356165e0a2188471a01cbf', '96634ad81e5ce27779525921d40002a63a3dba66916e5b7327b37f777e9b6599c3a709e8c183721de4811421c733e96ef7810b1df3381e86d3be4790ee6b0404');
INSERT INTO public.events VALUES (14, '2026-01-02T03:04:05.000000Z', '667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"pending","to":"fraud:1"}', '67993cd5cb7424b278edb8df222d7ce18d64b34fe6356165e0a2188471a01cbf', '058f6e5d93a6f701df9c83f5266d6bc5194516e3ae987e2dc807380d0847e322', 'c52d11d9b3c4e99ac089813cbd19af9b4f0d81e9d75655982f3f8a1e1212da622a96940cbafa3172569e70e2f7a95bed82cfe784e740c1417fe7cfe30bb67105');
INSERT INTO public.events VALUES (15, '2026-01-02T03:04:05.000000Z', 'c5c90cabab31e996e6eba1b179af55eef84c4f909a36b88ad2bd4d9c642afe9d', 'rollout.publish', 'endpoint:fraud', 'ee360ae1743d827ee487740042c1a6064b1c4b450cdddf31e2fbd6ed1344fedc', '{"state":"pending"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."}],"from":null,"rollout":"r-00000001","state":"loading","to":"fraud:1"}', '058f6e5d93a6f701df9c83f5266d6bc5194516e3ae987e2dc807380d0847e322', '25f6f3210fcec84d13750eb19dc369642c62b3da8c3d544153441e3c87b11341', '75913b49f029f9bd5282e1c7e2bdd3b89aca3d03da67c9b0c3866b1ffd3a2f13ed4023afee5794ef838a72f76b29b0d9f6bf8fd7f070a208e41401f1ae3ce102');
INSERT INTO public.events VALUES (16, '2026-01-02T03:04:05.000000Z', 'c5c90cabab31e996e6eba1b179af55eef84c4f909a36b88ad2bd4d9c642afe9d', 'rollout.verify', 'endpoint:fraud', '0ab66151dd4601ffb896065af33feb920e2953b6a38257d5df20ea386df54243', '{"state":"loading"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"verifying","to":"fraud:1"}', '25f6f3210fcec84d13750eb19dc369642c62b3da8c3d544153441e3c87b11341', 'fe484cfd55882dde73a5caeb506cb62425edfbbf700ad578d95df092e24e8b67', '3c9842be0f14d1ab7aa5adacc70e1adc3245b540396507f8ef1bb3ce4f26757dbb2233a7728a19a1c63cb1efe738cafc9114d09d3203b4c7dad2496517aead07');
INSERT INTO public.events VALUES (17, '2026-01-02T03:04:05.000000Z', 'c5c90cabab31e996e6eba1b179af55eef84c4f909a36b88ad2bd4d9c642afe9d', 'rollout.promote', 'endpoint:fraud', 'eabd86aff11f18bd35408ae913b9c947fa17f161136446abbfc74e2d19ce503c', '{"state":"verifying"}', '{"evidence":[{"epoch":1,"generation":1,"kind":"table"},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":false,"evidence":{"approval":"approved"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:1 is approved."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud is new and takes its contract from fraud:1."},{"acknowledged":["here/w0","here/w1"],"failures":[],"kind":"acknowledgement","living":["here/w0","here/w1"],"seconds":0.0}],"from":null,"rollout":"r-00000001","state":"promoted","to":"fraud:1"}', 'fe484cfd55882dde73a5caeb506cb62425edfbbf700ad578d95df092e24e8b67', '35011a09c342fc2a10007c3709e767d070b50efdb15cbfffe453437d0236a0f3', 'ea7af7a56de1d19ae4650f11b3147c9319244393744d7abe8a4a3387f7f35557d8f55541fd3450b6e13efeddc7d096c5abefa7795e0726d55adad6d12b1f570d');
INSERT INTO public.events VALUES (18, '2026-01-02T03:04:05.000000Z', '667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'rollout.start', 'endpoint:fraud', '', '{}', '{"evidence":[{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"not-retired","kind":"gate","reason":"fraud:2 is pending."},{"answer":"wait","binding":false,"evidence":{"approval":"pending"},"forced":false,"gate":"approved","kind":"gate","reason":"fraud:2 is pending, expected approved. Run `headgate approve fraud:2 --reason …`."},{"answer":"accept","binding":true,"evidence":{"runtime":"onnx"},"forced":false,"gate":"serves","kind":"gate","reason":"Serves onnx."},{"answer":"accept","binding":true,"evidence":{},"forced":false,"gate":"signature","kind":"gate","reason":"fraud:2 takes the contract of fraud."}],"from":"fraud:1","rollout":"r-00000002","state":"pending","to":"fraud:2"}', '35011a09c342fc2a10007c3709e767d070b50efdb15cbfffe453437d0236a0f3', '6725b9e8eb164191ea3ca8a96d0879a090abc918465305caa1d868f6ddff49b6', '5bf83d181c5aa5f4bde60f082e63ad7e6519855989a2fd592039c86d9bb856394a5fc7fb0a2a8502d2bb9397af2fddac911042901d92ac028b46d3b93afb910d');



INSERT INTO public.grants VALUES ('ab225e23fc855992', 'admin', '*', '*');
INSERT INTO public.grants VALUES ('87d55f1410fd768d', 'node', '*', '*');



INSERT INTO public.idempotency_keys VALUES ('local', 'POST /projects', 'k-1', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 201, '{}', '2026-01-02T03:04:05.000000Z');



INSERT INTO public.instance VALUES ('epoch', '1');
INSERT INTO public.instance VALUES ('salt', '07eed0bd2a9d8f09a35d8cc51de867913dcf90e24346396c59b052c56b5573fc');
INSERT INTO public.instance VALUES ('id', '16616a6cd665caa1');
INSERT INTO public.instance VALUES ('access_number', '4');
INSERT INTO public.instance VALUES ('node_tables', '1');
INSERT INTO public.instance VALUES ('rollouts', '2');



INSERT INTO public.ledger_head VALUES (1, 18, '6725b9e8eb164191ea3ca8a96d0879a090abc918465305caa1d868f6ddff49b6');



INSERT INTO public.models VALUES ('fraud', 'fraud', 'default', 'ann', '', '{}', 2, 5, '2026-01-02T03:04:05.000000Z');



INSERT INTO public.personal_texts VALUES ('4e30a90048e7c62b9db2f3018bffa9b0e922c18b2144ca5e46cae78a5dcd51f3', 'actor', '\x0ec4c8ca0252479d71a5584215ba37b7', 'headgate');
INSERT INTO public.personal_texts VALUES ('a2cc59caf02629766b54ff4dd0520deea2cc73af8ea3a4bed0f3ae795d4e1d98', 'value', '\x5fda4fe054b23a8c80b135e240d163e3', 'local');
INSERT INTO public.personal_texts VALUES ('6b872f2c2d8ead4a092ef64ab1c0ea191509ecc47ebb518cf72f2337e79b79c9', 'value', '\xcb5bd656fd84c73c5be818bfdb6ba745', 'node');
INSERT INTO public.personal_texts VALUES ('c9f35b5aa072d14be6f8fab45929502231b03c950924a51d7ab919b4548a78d2', 'value', '\xf450518de4d4cf22e40f0fcc193e070a', 'local');
INSERT INTO public.personal_texts VALUES ('d497ecc062eb912ab9927f46c37125d145283495f456a7523fb1b94b69819b3e', 'value', '\x4415d903e2ff6f03c9913fa7a724ca9a', 'node');
INSERT INTO public.personal_texts VALUES ('f6ecac91b687399799a50b1ff85409876fa5e9dfc29f15d036ceaf53ffc6c14f', 'actor', '\x0b68ab710d1bb1433aa699a50a6c2026', 'local');
INSERT INTO public.personal_texts VALUES ('667e6ec1d32da879448434e59e9177c2dc646ac4b9385191d566b351b0c4a31b', 'actor', '\x9cfd433c346b4002c3e98e7a2afe9a6d', 'ann');
INSERT INTO public.personal_texts VALUES ('37715cc6e95c0b7853e4360e1e77b1a9b5c7375df012056b3870956e85e61527', 'reason', '\x6370e612eb9a59125b3405779083a7f4', 'sound');
INSERT INTO public.personal_texts VALUES ('c5c90cabab31e996e6eba1b179af55eef84c4f909a36b88ad2bd4d9c642afe9d', 'actor', '\x46e1c8c6794af710622ead3a59fca567', 'controller');
INSERT INTO public.personal_texts VALUES ('ee360ae1743d827ee487740042c1a6064b1c4b450cdddf31e2fbd6ed1344fedc', 'reason', '\x67332e20e416e75c9e179b56b413ea8f', 'handed to the nodes');
INSERT INTO public.personal_texts VALUES ('0ab66151dd4601ffb896065af33feb920e2953b6a38257d5df20ea386df54243', 'reason', '\x5376e0b8ac4a31d2bf4a75a231022b54', 'acknowledged by here/w0, here/w1');
INSERT INTO public.personal_texts VALUES ('eabd86aff11f18bd35408ae913b9c947fa17f161136446abbfc74e2d19ce503c', 'reason', '\x70ec519d280742d6aa66dc0951b41ffd', 'acknowledged by here/w0, here/w1');



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




