SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.artigraph_note_creator() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.node_created_by := session_user; NEW.node_updated_by := session_user; RETURN NEW; END $$;
CREATE FUNCTION public.artigraph_note_updater() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.node_created_by := OLD.node_created_by; NEW.node_updated_by := session_user; RETURN NEW; END $$;
CREATE FUNCTION public.artigraph_refuse_locked() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'artigraph: a locked row is neither changed nor deleted (%)', OLD.node_id USING ERRCODE = '55006'; END $$;
CREATE TABLE public.artigraph_node (
    node_id bigint NOT NULL,
    node_parent_id bigint,
    node_type character varying(255) NOT NULL,
    node_label character varying(255),
    node_created_at timestamp with time zone NOT NULL,
    node_updated_at timestamp with time zone NOT NULL,
    node_uid bytea,
    node_created_by character varying(255) DEFAULT (SESSION_USER)::text,
    node_updated_by character varying(255) DEFAULT (SESSION_USER)::text,
    node_locked_at timestamp with time zone,
    node_trashed_at timestamp with time zone,
    artifact_serializer character varying(255),
    artifact_size bigint,
    artifact_digest character varying(64),
    artifact_summary jsonb,
    artifact_dropped_at timestamp with time zone,
    database_artifact_value bytea,
    remote_artifact_storage character varying(255),
    remote_artifact_location character varying(1024),
    model_artifact_type character varying(255),
    model_artifact_version bigint,
    model_artifact_data jsonb,
    model_artifact_parts bigint,
    cell_run_status character varying(16),
    cell_run_started_at timestamp with time zone,
    cell_run_ended_at timestamp with time zone,
    cell_run_error text,
    cell_run_source text,
    cell_run_digest character varying(64),
    cell_run_count bigint,
    cell_run_params jsonb,
    cell_run_saved jsonb
);
CREATE SEQUENCE public.artigraph_node_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.artigraph_note (
    note_uid bytea NOT NULL,
    note_node_id bigint NOT NULL,
    note_text text NOT NULL,
    note_by character varying(255),
    note_at timestamp with time zone NOT NULL
);
CREATE TABLE public.artigraph_query (
    query_name character varying(255) NOT NULL,
    query_question jsonb NOT NULL,
    query_by character varying(255),
    query_at timestamp with time zone NOT NULL
);
CREATE TABLE public.artigraph_schema (
    schema_id integer NOT NULL,
    schema_version integer NOT NULL,
    schema_begun integer,
    schema_oldest_reader integer NOT NULL,
    schema_oldest_writer integer NOT NULL,
    schema_library character varying(64) NOT NULL,
    schema_upgraded_at timestamp with time zone NOT NULL,
    schema_store_uid bytea NOT NULL
);
CREATE TABLE public.artigraph_storage (
    storage_name character varying(255) NOT NULL,
    storage_url text NOT NULL
);
CREATE TABLE public.artigraph_tag (
    tag_node_id bigint NOT NULL,
    tag_name character varying(255) NOT NULL,
    tag_value jsonb,
    tag_key character varying(255) NOT NULL COLLATE pg_catalog."C",
    tag_digest character varying(64) NOT NULL,
    tag_scope_id bigint,
    tag_by character varying(255),
    tag_at timestamp with time zone NOT NULL
);
CREATE TABLE public.artigraph_trash (
    trash_node_id bigint NOT NULL,
    trash_parent_id bigint,
    trash_count bigint NOT NULL,
    trash_by character varying(255),
    trash_at timestamp with time zone NOT NULL
);
INSERT INTO public.artigraph_node VALUES (1, NULL, 'node', 'sweep', '2026-11-28 16:21:04.226227+00', '2026-11-28 16:21:04.226227+00', '\x01a222f5ce6273d195f3b041dbb91a6a', 'postgres', 'postgres', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (2, 1, 'model_artifact', 'fit 0', '2026-11-28 16:21:04.236846+00', '2026-11-28 16:21:04.236846+00', '\x01a222f5ce6c7db39664eeb7b2f96b8b', 'postgres', 'postgres', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SchemaTwoFit', 1, '{"loss": 0.0, "weights": {"$": "ref", "v": "weights"}}', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (3, 2, 'database_artifact', 'weights', '2026-11-28 16:21:04.236846+00', '2026-11-28 16:21:04.236846+00', '\x01a222f5ce6c7db39664eeb8176b43e0', 'postgres', 'postgres', NULL, NULL, 'artigraph-numpy', 152, 'eed7c944a674e7e9a3f4baf8393c37b9f169123e13a884a08b151a39da2adef5', '{"$o": [0, 2, 1], "kind": "array", "dtype": "int64", "shape": [3]}', NULL, '\x934e554d5059010076007b276465736372273a20273c6938272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028332c292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200a000000000000000001000000000000000200000000000000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (6, 1, 'model_artifact', 'fit 2', '2026-11-28 16:21:04.245633+00', '2026-11-28 16:21:04.245633+00', '\x01a222f5ce757a3498021acc07ad9863', 'postgres', 'postgres', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SchemaTwoFit', 1, '{"loss": 0.5, "weights": {"$": "ref", "v": "weights"}}', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (8, NULL, 'model_artifact', 'fit 3', '2026-11-28 16:21:04.248972+00', '2026-11-28 16:21:04.248972+00', '\x01a222f5ce787fa2900698d48d774e94', 'postgres', 'postgres', NULL, '2026-11-28 16:21:04.282258+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SchemaTwoFit', 1, '{"loss": 0.75, "weights": {"$": "ref", "v": "weights"}}', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (9, 8, 'database_artifact', 'weights', '2026-11-28 16:21:04.248972+00', '2026-11-28 16:21:04.248972+00', '\x01a222f5ce787fa2900698d5f116af21', 'postgres', 'postgres', NULL, '2026-11-28 16:21:04.282258+00', 'artigraph-numpy', 176, '6d08883eb5b05b9da4664a1bf8eb352f7b8afdfa7528a0f493b57b0b79d36761', '{"$o": [0, 2, 1], "kind": "array", "dtype": "int64", "shape": [6]}', NULL, '\x934e554d5059010076007b276465736372273a20273c6938272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028362c292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200a000000000000000001000000000000000200000000000000030000000000000004000000000000000500000000000000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (7, 6, 'database_artifact', 'weights', '2026-11-28 16:21:04.245633+00', '2026-11-28 16:21:04.245633+00', '\x01a222f5ce757a3498021acdd38ac82f', 'postgres', 'postgres', NULL, NULL, 'artigraph-numpy', 168, 'e24087dfc0efa40c8b280f8839dbdac487c5be2456ee63b23a284df057d01a6e', '{"$o": [0, 2, 1], "kind": "array", "dtype": "int64", "shape": [5]}', '2026-11-28 16:21:04.290661+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (4, 1, 'model_artifact', 'fit 1', '2026-11-28 16:21:04.242279+00', '2026-11-28 16:21:04.242279+00', '\x01a222f5ce72749f8b7300c31cd32a30', 'postgres', 'postgres', '2026-11-28 16:21:04.296942+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SchemaTwoFit', 1, '{"loss": 0.25, "weights": {"$": "ref", "v": "weights"}}', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_node VALUES (5, 4, 'database_artifact', 'weights', '2026-11-28 16:21:04.242279+00', '2026-11-28 16:21:04.242279+00', '\x01a222f5ce72749f8b7300c441249731', 'postgres', 'postgres', '2026-11-28 16:21:04.296942+00', NULL, 'artigraph-numpy', 160, 'dc5de563b86c3210ee39b3adc9c39934ef72b87a5c20f475ccc78e336ea75a7e', '{"$o": [0, 2, 1], "kind": "array", "dtype": "int64", "shape": [4]}', NULL, '\x934e554d5059010076007b276465736372273a20273c6938272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028342c292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200a0000000000000000010000000000000002000000000000000300000000000000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artigraph_note VALUES ('\x01a222f5ce8f788e8d1937000283abde', 2, '# Why
It *held* on the second split.', 'postgres', '2026-11-28 16:21:04.271554+00');
INSERT INTO public.artigraph_query VALUES ('good', '{"$o": [1, 0], "filter": {"is": "AllOf", "filters": [{"is": "ModelFilter", "model_type": [{"is": "ModelTypeFilter", "type": {"model": "SchemaTwoFit"}}]}, {"is": "TagFilter", "name": "best"}]}, "version": 1}', 'postgres', '2026-11-28 16:21:04.274841+00');
INSERT INTO public.artigraph_schema VALUES (1, 2, NULL, 1, 1, '0.1.0', '2026-11-28 16:21:04.154713+00', '\xc20d52e996c74fa4affa6214099d91fc');
INSERT INTO public.artigraph_tag VALUES (2, 'best', NULL, '', '74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b', NULL, 'postgres', '2026-11-28 16:21:04.251541+00');
INSERT INTO public.artigraph_tag VALUES (2, 'stage', '{"value": "prod"}', 'sprod', 'aa6c588fdc77d264d5d22fc437ab38b0b756e9b92f6fe34ddf5641ffc16536a0', NULL, 'postgres', '2026-11-28 16:21:04.251541+00');
INSERT INTO public.artigraph_tag VALUES (2, 'score', '{"value": 0.93}', 'nbfedc28f5c28f5c30800', '875abaf3ab5d7440fcd04635e29c45a9c7519475484c7db1c220047174e0cdbb', NULL, 'postgres', '2026-11-28 16:21:04.251541+00');
INSERT INTO public.artigraph_tag VALUES (2, 'seen', '{"value": true}', 'vbool:1', '1e9ac47c901d8d232a2f9387d4419ed3f3dae6a016bde5e159979a0dd3603ae2', NULL, 'postgres', '2026-11-28 16:21:04.251541+00');
INSERT INTO public.artigraph_tag VALUES (2, 'runs', '{"value": [1, 2]}', '!', '49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684', NULL, 'postgres', '2026-11-28 16:21:04.251541+00');
INSERT INTO public.artigraph_tag VALUES (4, 'production', NULL, '', '74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b', 1, 'postgres', '2026-11-28 16:21:04.264522+00');
INSERT INTO public.artigraph_trash VALUES (8, 1, 2, 'postgres', '2026-11-28 16:21:04.282258+00');
SELECT pg_catalog.setval('public.artigraph_node_id_seq', 9, true);
ALTER TABLE ONLY public.artigraph_node
    ADD CONSTRAINT artigraph_node_pkey PRIMARY KEY (node_id);
ALTER TABLE ONLY public.artigraph_note
    ADD CONSTRAINT artigraph_note_pkey PRIMARY KEY (note_uid);
ALTER TABLE ONLY public.artigraph_query
    ADD CONSTRAINT artigraph_query_pkey PRIMARY KEY (query_name);
ALTER TABLE ONLY public.artigraph_schema
    ADD CONSTRAINT artigraph_schema_pkey PRIMARY KEY (schema_id);
ALTER TABLE ONLY public.artigraph_storage
    ADD CONSTRAINT artigraph_storage_pkey PRIMARY KEY (storage_name);
ALTER TABLE ONLY public.artigraph_tag
    ADD CONSTRAINT artigraph_tag_pkey PRIMARY KEY (tag_node_id, tag_name);
ALTER TABLE ONLY public.artigraph_trash
    ADD CONSTRAINT artigraph_trash_pkey PRIMARY KEY (trash_node_id);
CREATE INDEX artigraph_node_location ON public.artigraph_node USING btree (remote_artifact_location) WHERE (remote_artifact_location IS NOT NULL);
CREATE INDEX artigraph_node_model ON public.artigraph_node USING btree (model_artifact_type, model_artifact_version);
CREATE INDEX artigraph_node_model_created ON public.artigraph_node USING btree (model_artifact_type, node_created_at, node_id);
CREATE INDEX artigraph_node_parent ON public.artigraph_node USING btree (node_parent_id, node_id);
CREATE UNIQUE INDEX artigraph_node_parent_label ON public.artigraph_node USING btree (node_parent_id, node_label);
CREATE INDEX artigraph_node_type ON public.artigraph_node USING btree (node_type);
CREATE UNIQUE INDEX artigraph_node_uid ON public.artigraph_node USING btree (node_uid);
CREATE INDEX artigraph_note_node ON public.artigraph_note USING btree (note_node_id, note_uid);
CREATE UNIQUE INDEX artigraph_tag_alias ON public.artigraph_tag USING btree (tag_scope_id, tag_name, tag_digest);
CREATE INDEX artigraph_tag_name ON public.artigraph_tag USING btree (tag_name, tag_key, tag_node_id);
CREATE INDEX artigraph_trash_at ON public.artigraph_trash USING btree (trash_at);
CREATE TRIGGER artigraph_node_creator BEFORE INSERT ON public.artigraph_node FOR EACH ROW WHEN ((((new.node_updated_by)::text IS DISTINCT FROM (SESSION_USER)::text) OR ((new.node_created_by)::text IS DISTINCT FROM (SESSION_USER)::text))) EXECUTE FUNCTION public.artigraph_note_creator();
CREATE TRIGGER artigraph_node_locked_delete BEFORE DELETE ON public.artigraph_node FOR EACH ROW WHEN ((old.node_locked_at IS NOT NULL)) EXECUTE FUNCTION public.artigraph_refuse_locked();
CREATE TRIGGER artigraph_node_locked_update BEFORE UPDATE ON public.artigraph_node FOR EACH ROW WHEN (((old.node_locked_at IS NOT NULL) AND (new.node_locked_at IS NOT NULL))) EXECUTE FUNCTION public.artigraph_refuse_locked();
CREATE TRIGGER artigraph_node_updater BEFORE UPDATE ON public.artigraph_node FOR EACH ROW WHEN ((((new.node_updated_by)::text IS DISTINCT FROM (SESSION_USER)::text) OR ((new.node_created_by)::text IS DISTINCT FROM (old.node_created_by)::text))) EXECUTE FUNCTION public.artigraph_note_updater();
ALTER TABLE ONLY public.artigraph_node
    ADD CONSTRAINT artigraph_node_node_parent_id_fkey FOREIGN KEY (node_parent_id) REFERENCES public.artigraph_node(node_id);
ALTER TABLE ONLY public.artigraph_note
    ADD CONSTRAINT artigraph_note_note_node_id_fkey FOREIGN KEY (note_node_id) REFERENCES public.artigraph_node(node_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.artigraph_tag
    ADD CONSTRAINT artigraph_tag_tag_node_id_fkey FOREIGN KEY (tag_node_id) REFERENCES public.artigraph_node(node_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.artigraph_tag
    ADD CONSTRAINT artigraph_tag_tag_scope_id_fkey FOREIGN KEY (tag_scope_id) REFERENCES public.artigraph_node(node_id) ON DELETE SET NULL;
ALTER TABLE ONLY public.artigraph_trash
    ADD CONSTRAINT artigraph_trash_trash_node_id_fkey FOREIGN KEY (trash_node_id) REFERENCES public.artigraph_node(node_id) ON DELETE CASCADE;
