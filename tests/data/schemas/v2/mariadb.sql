DROP SEQUENCE IF EXISTS `artigraph_node_id_seq`;
CREATE SEQUENCE `artigraph_node_id_seq` start with 1 minvalue 1 maxvalue 9223372036854775806 increment by 1 cache 1000 nocycle ENGINE=InnoDB;
DO SETVAL(`artigraph_node_id_seq`, 1001, 0);
DROP TABLE IF EXISTS `artigraph_node`;
CREATE TABLE `artigraph_node` (
  `node_id` bigint(20) NOT NULL,
  `node_parent_id` bigint(20) DEFAULT NULL,
  `node_type` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `node_label` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `node_created_at` datetime(6) NOT NULL,
  `node_updated_at` datetime(6) NOT NULL,
  `node_uid` binary(16) DEFAULT NULL,
  `node_created_by` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `node_updated_by` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `node_locked_at` datetime(6) DEFAULT NULL,
  `node_trashed_at` datetime(6) DEFAULT NULL,
  `artifact_serializer` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `artifact_size` bigint(20) DEFAULT NULL,
  `artifact_digest` varchar(64) DEFAULT NULL,
  `artifact_summary` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`artifact_summary`)),
  `artifact_dropped_at` datetime(6) DEFAULT NULL,
  `database_artifact_value` longblob DEFAULT NULL,
  `remote_artifact_storage` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `remote_artifact_location` varchar(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `model_artifact_type` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `model_artifact_version` bigint(20) DEFAULT NULL,
  `model_artifact_data` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`model_artifact_data`)),
  `model_artifact_parts` bigint(20) DEFAULT NULL,
  `cell_run_status` varchar(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `cell_run_started_at` datetime(6) DEFAULT NULL,
  `cell_run_ended_at` datetime(6) DEFAULT NULL,
  `cell_run_error` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `cell_run_source` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `cell_run_digest` varchar(64) DEFAULT NULL,
  `cell_run_count` bigint(20) DEFAULT NULL,
  `cell_run_params` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`cell_run_params`)),
  `cell_run_saved` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`cell_run_saved`)),
  PRIMARY KEY (`node_id`),
  UNIQUE KEY `artigraph_node_parent_label` (`node_parent_id`,`node_label`),
  UNIQUE KEY `artigraph_node_uid` (`node_uid`),
  KEY `artigraph_node_model_created` (`model_artifact_type`,`node_created_at`,`node_id`),
  KEY `artigraph_node_type` (`node_type`),
  KEY `artigraph_node_parent` (`node_parent_id`,`node_id`),
  KEY `artigraph_node_model` (`model_artifact_type`,`model_artifact_version`),
  KEY `artigraph_node_location` (`remote_artifact_location`(255)),
  CONSTRAINT `artigraph_node_ibfk_1` FOREIGN KEY (`node_parent_id`) REFERENCES `artigraph_node` (`node_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `artigraph_node` VALUES (1,NULL,'node','sweep','2026-11-28 16:21:04.627021','2026-11-28 16:21:04.627021',0x01A222F5CFF370868ED34D80F7A332A8,'root','root',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (2,1,'model_artifact','fit 0','2026-11-28 16:21:04.630723','2026-11-28 16:21:04.630723',0x01A222F5CFF67BA78A1542806F17504B,'root','root',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'SchemaTwoFit',1,'{\"loss\":0.0,\"weights\":{\"$\":\"ref\",\"v\":\"weights\"}}',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (3,2,'database_artifact','weights','2026-11-28 16:21:04.630723','2026-11-28 16:21:04.630723',0x01A222F5CFF67BA78A154281DFE9D9C4,'root','root',NULL,NULL,'artigraph-numpy',152,'eed7c944a674e7e9a3f4baf8393c37b9f169123e13a884a08b151a39da2adef5','{\"kind\":\"array\",\"shape\":[3],\"dtype\":\"int64\"}',NULL,0x934E554D5059010076007B276465736372273A20273C6938272C2027666F727472616E5F6F72646572273A2046616C73652C20277368617065273A2028332C292C207D2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200A000000000000000001000000000000000200000000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (4,1,'model_artifact','fit 1','2026-11-28 16:21:04.635135','2026-11-28 16:21:04.635135',0x01A222F5CFFB723A85282D1CEDFD7AD4,'root','root','2026-11-28 16:21:04.685117',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'SchemaTwoFit',1,'{\"loss\":0.25,\"weights\":{\"$\":\"ref\",\"v\":\"weights\"}}',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (5,4,'database_artifact','weights','2026-11-28 16:21:04.635135','2026-11-28 16:21:04.635135',0x01A222F5CFFB723A85282D1D9BC79ECA,'root','root','2026-11-28 16:21:04.685117',NULL,'artigraph-numpy',160,'dc5de563b86c3210ee39b3adc9c39934ef72b87a5c20f475ccc78e336ea75a7e','{\"kind\":\"array\",\"shape\":[4],\"dtype\":\"int64\"}',NULL,0x934E554D5059010076007B276465736372273A20273C6938272C2027666F727472616E5F6F72646572273A2046616C73652C20277368617065273A2028342C292C207D2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200A0000000000000000010000000000000002000000000000000300000000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (6,1,'model_artifact','fit 2','2026-11-28 16:21:04.638315','2026-11-28 16:21:04.638315',0x01A222F5CFFE751F9AE3F5AAA6B52A34,'root','root',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'SchemaTwoFit',1,'{\"loss\":0.5,\"weights\":{\"$\":\"ref\",\"v\":\"weights\"}}',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (7,6,'database_artifact','weights','2026-11-28 16:21:04.638315','2026-11-28 16:21:04.638315',0x01A222F5CFFE751F9AE3F5AB85D4E21B,'root','root',NULL,NULL,'artigraph-numpy',168,'e24087dfc0efa40c8b280f8839dbdac487c5be2456ee63b23a284df057d01a6e','{\"kind\":\"array\",\"shape\":[5],\"dtype\":\"int64\"}','2026-11-28 16:21:04.680369',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (8,NULL,'model_artifact','fit 3','2026-11-28 16:21:04.641075','2026-11-28 16:21:04.641075',0x01A222F5D00171449B271E6596EE44AF,'root','root',NULL,'2026-11-28 16:21:04.673029',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'SchemaTwoFit',1,'{\"loss\":0.75,\"weights\":{\"$\":\"ref\",\"v\":\"weights\"}}',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO `artigraph_node` VALUES (9,8,'database_artifact','weights','2026-11-28 16:21:04.641075','2026-11-28 16:21:04.641075',0x01A222F5D00171449B271E66A54151AD,'root','root',NULL,'2026-11-28 16:21:04.673029','artigraph-numpy',176,'6d08883eb5b05b9da4664a1bf8eb352f7b8afdfa7528a0f493b57b0b79d36761','{\"kind\":\"array\",\"shape\":[6],\"dtype\":\"int64\"}',NULL,0x934E554D5059010076007B276465736372273A20273C6938272C2027666F727472616E5F6F72646572273A2046616C73652C20277368617065273A2028362C292C207D2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200A000000000000000001000000000000000200000000000000030000000000000004000000000000000500000000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
DROP TABLE IF EXISTS `artigraph_note`;
CREATE TABLE `artigraph_note` (
  `note_uid` binary(16) NOT NULL,
  `note_node_id` bigint(20) NOT NULL,
  `note_text` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `note_by` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `note_at` datetime(6) NOT NULL,
  PRIMARY KEY (`note_uid`),
  KEY `artigraph_note_node` (`note_node_id`,`note_uid`),
  CONSTRAINT `artigraph_note_ibfk_1` FOREIGN KEY (`note_node_id`) REFERENCES `artigraph_node` (`node_id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `artigraph_note` VALUES (0x01A222F5D0167A0485BBF0B0CE469FE5,2,'# Why\nIt *held* on the second split.','root','2026-11-28 16:21:04.662642');
DROP TABLE IF EXISTS `artigraph_query`;
CREATE TABLE `artigraph_query` (
  `query_name` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `query_question` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`query_question`)),
  `query_by` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `query_at` datetime(6) NOT NULL,
  PRIMARY KEY (`query_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `artigraph_query` VALUES ('good','{\"version\":1,\"filter\":{\"is\":\"AllOf\",\"filters\":[{\"is\":\"ModelFilter\",\"model_type\":[{\"is\":\"ModelTypeFilter\",\"type\":{\"model\":\"SchemaTwoFit\"}}]},{\"is\":\"TagFilter\",\"name\":\"best\"}]}}','root','2026-11-28 16:21:04.665075');
DROP TABLE IF EXISTS `artigraph_schema`;
CREATE TABLE `artigraph_schema` (
  `schema_id` int(11) NOT NULL,
  `schema_version` int(11) NOT NULL,
  `schema_begun` int(11) DEFAULT NULL,
  `schema_oldest_reader` int(11) NOT NULL,
  `schema_oldest_writer` int(11) NOT NULL,
  `schema_library` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `schema_upgraded_at` datetime(6) NOT NULL,
  `schema_store_uid` binary(16) NOT NULL,
  PRIMARY KEY (`schema_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `artigraph_schema` VALUES (1,2,NULL,1,1,'0.1.0','2026-11-28 16:21:04.529101',0x6ECB2E3AD6084CB595A6591BB5656A8A);
DROP TABLE IF EXISTS `artigraph_storage`;
CREATE TABLE `artigraph_storage` (
  `storage_name` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `storage_url` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  PRIMARY KEY (`storage_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
DROP TABLE IF EXISTS `artigraph_tag`;
CREATE TABLE `artigraph_tag` (
  `tag_node_id` bigint(20) NOT NULL,
  `tag_name` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `tag_value` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`tag_value`)),
  `tag_key` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `tag_digest` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `tag_scope_id` bigint(20) DEFAULT NULL,
  `tag_by` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `tag_at` datetime(6) NOT NULL,
  PRIMARY KEY (`tag_node_id`,`tag_name`),
  UNIQUE KEY `artigraph_tag_alias` (`tag_scope_id`,`tag_name`,`tag_digest`),
  KEY `artigraph_tag_name` (`tag_name`,`tag_key`,`tag_node_id`),
  CONSTRAINT `artigraph_tag_ibfk_1` FOREIGN KEY (`tag_node_id`) REFERENCES `artigraph_node` (`node_id`) ON DELETE CASCADE,
  CONSTRAINT `artigraph_tag_ibfk_2` FOREIGN KEY (`tag_scope_id`) REFERENCES `artigraph_node` (`node_id`) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `artigraph_tag` VALUES (2,'best',NULL,'','74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b',NULL,'root','2026-11-28 16:21:04.644865');
INSERT INTO `artigraph_tag` VALUES (2,'runs','{\"value\":[1,2]}','!','49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684',NULL,'root','2026-11-28 16:21:04.644865');
INSERT INTO `artigraph_tag` VALUES (2,'score','{\"value\":0.93}','nbfedc28f5c28f5c30800','875abaf3ab5d7440fcd04635e29c45a9c7519475484c7db1c220047174e0cdbb',NULL,'root','2026-11-28 16:21:04.644865');
INSERT INTO `artigraph_tag` VALUES (2,'seen','{\"value\":true}','vbool:1','1e9ac47c901d8d232a2f9387d4419ed3f3dae6a016bde5e159979a0dd3603ae2',NULL,'root','2026-11-28 16:21:04.644865');
INSERT INTO `artigraph_tag` VALUES (2,'stage','{\"value\":\"prod\"}','sprod','aa6c588fdc77d264d5d22fc437ab38b0b756e9b92f6fe34ddf5641ffc16536a0',NULL,'root','2026-11-28 16:21:04.644865');
INSERT INTO `artigraph_tag` VALUES (4,'production',NULL,'','74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b',1,'root','2026-11-28 16:21:04.656282');
DROP TABLE IF EXISTS `artigraph_trash`;
CREATE TABLE `artigraph_trash` (
  `trash_node_id` bigint(20) NOT NULL,
  `trash_parent_id` bigint(20) DEFAULT NULL,
  `trash_count` bigint(20) NOT NULL,
  `trash_by` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `trash_at` datetime(6) NOT NULL,
  PRIMARY KEY (`trash_node_id`),
  KEY `artigraph_trash_at` (`trash_at`),
  CONSTRAINT `artigraph_trash_ibfk_1` FOREIGN KEY (`trash_node_id`) REFERENCES `artigraph_node` (`node_id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `artigraph_trash` VALUES (8,1,2,'root','2026-11-28 16:21:04.673029');
