"""artigraph keeps what a notebook made, and finds it again.

Describe your data as typed, versioned models, hang them on a tree of nodes,
keep frames and arrays in any object store and the rest in a SQL database.

Every public name is loaded on first use, so ``import artigraph`` alone
imports neither pandas nor numpy nor any other large library; nor does
``from artigraph import *``, which leaves the widgets' classes out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from artigraph.public import HOME_OF
from artigraph.version import __version__ as __version__

if TYPE_CHECKING:
    from artigraph.blob.collect import (
        check_storage as check_storage,
        collect_garbage as collect_garbage,
        orphaned_blobs as orphaned_blobs,
    )
    from artigraph.db import (
        current_session as current_session,
        engine_context as engine_context,
        get_engine as get_engine,
        new_session as new_session,
        roles_sql as roles_sql,
        schema_status as schema_status,
        set_engine as set_engine,
        upgrade_schema as upgrade_schema,
    )
    from artigraph.db.user import (
        set_user as set_user,
    )
    from artigraph.display.options import (
        options as options,
    )
    from artigraph.errors import *  # noqa: F403  # its __all__ is public as it is
    from artigraph.export.dot import (
        to_graphviz as to_graphviz,
    )
    from artigraph.export.mermaid import (
        to_mermaid as to_mermaid,
    )
    from artigraph.export.networkx import (
        to_networkx as to_networkx,
    )
    from artigraph.export.pandas import (
        read_frame as read_frame,
    )
    from artigraph.export.pyarrow import (
        read_table as read_table,
    )
    from artigraph.filter.artifact import (
        ArtifactFilter as ArtifactFilter,
    )
    from artigraph.filter.base import (
        Filter as Filter,
    )
    from artigraph.filter.field import (
        ilike as ilike,
        is_in as is_in,
        is_null as is_null,
        like as like,
    )
    from artigraph.filter.model import (
        ModelFilter as ModelFilter,
        ModelTypeFilter as ModelTypeFilter,
    )
    from artigraph.filter.node import (
        NodeFilter as NodeFilter,
        NodeTypeFilter as NodeTypeFilter,
    )
    from artigraph.filter.operator import (
        ValueFilter as ValueFilter,
    )
    from artigraph.filter.order import (
        Order as Order,
    )
    from artigraph.filter.register import register_filter as register_filter
    from artigraph.filter.relation import (
        NodeRelationshipFilter as NodeRelationshipFilter,
    )
    from artigraph.filter.tag import (
        TagFilter as TagFilter,
    )
    from artigraph.model.base import (
        BaseModel as BaseModel,
        allow_model_type_overwrites as allow_model_type_overwrites,
    )
    from artigraph.model.create import (
        create_model as create_model,
    )
    from artigraph.model.data import (
        DataModel as DataModel,
        model_field as model_field,
    )
    from artigraph.model.field_index import (
        create_field_index as create_field_index,
        drop_field_index as drop_field_index,
    )
    from artigraph.model.group import (
        ModelGroup as ModelGroup,
        current_model_group as current_model_group,
    )
    from artigraph.model.log import (
        Log as Log,
    )
    from artigraph.model.read import (
        count_models as count_models,
        delete_models as delete_models,
        iter_models as iter_models,
        read_first_model as read_first_model,
        read_model as read_model,
        read_model_or_none as read_model_or_none,
        read_models as read_models,
    )
    from artigraph.model.unknown import (
        UnknownModel as UnknownModel,
    )
    from artigraph.model.write import (
        write_model as write_model,
        write_models as write_models,
    )
    from artigraph.node.artifact import (
        count_artifacts as count_artifacts,
        delete_artifacts as delete_artifacts,
        new_artifact as new_artifact,
        read_artifact as read_artifact,
        read_artifact_or_none as read_artifact_or_none,
        read_artifacts as read_artifacts,
        write_artifact as write_artifact,
        write_artifacts as write_artifacts,
    )
    from artigraph.node.current import (
        create_current as create_current,
    )
    from artigraph.node.move import (
        write_parent_child_relationships as write_parent_child_relationships,
    )
    from artigraph.node.node import (
        count_nodes as count_nodes,
        delete_nodes as delete_nodes,
        iter_nodes as iter_nodes,
        new_node as new_node,
        nodes_exist as nodes_exist,
        read_first_node as read_first_node,
        read_node as read_node,
        read_node_or_none as read_node_or_none,
        read_nodes as read_nodes,
        write_node as write_node,
        write_nodes as write_nodes,
    )
    from artigraph.node.qualified import (
        QualifiedArtifact as QualifiedArtifact,
    )
    from artigraph.note import (
        Note as Note,
        delete_note as delete_note,
        read_notes as read_notes,
        write_note as write_note,
    )
    from artigraph.notebook import (
        explore as explore,
    )
    from artigraph.notebook.explorer import (
        Explorer as Explorer,
    )
    from artigraph.notebook.viewer import (
        FrameViewer as FrameViewer,
    )
    from artigraph.orm.artifact import (
        BaseArtifact as BaseArtifact,
        DatabaseArtifact as DatabaseArtifact,
        ModelArtifact as ModelArtifact,
        RemoteArtifact as RemoteArtifact,
    )
    from artigraph.orm.node import (
        Node as Node,
    )
    from artigraph.orm.run import (
        CellRun as CellRun,
        TrackedRun as TrackedRun,
    )
    from artigraph.outline.label_index import create_label_index as create_label_index
    from artigraph.outline.relation import (
        count_children as count_children,
        count_descendants as count_descendants,
        read_path as read_path,
        read_paths as read_paths,
    )
    from artigraph.outline.tree import (
        Tree as Tree,
        TreeNode as TreeNode,
        read_tree as read_tree,
    )
    from artigraph.preview.read import read_preview as read_preview
    from artigraph.query.saved import SavedQuery as SavedQuery
    from artigraph.query.store import (
        delete_query as delete_query,
        read_queries as read_queries,
        read_query as read_query,
        save_query as save_query,
    )
    from artigraph.run import (
        read_environment as read_environment,
        read_kept as read_kept,
        read_runs as read_runs,
        start_run as start_run,
    )
    from artigraph.serializer.base import (
        Serializer as Serializer,
    )
    from artigraph.serializer.file import File as File
    from artigraph.series import (
        list_series as list_series,
        open_series as open_series,
        read_series as read_series,
        read_series_table as read_series_table,
    )
    from artigraph.storage.base import (
        Storage as Storage,
    )
    from artigraph.tag.read import (
        list_tags as list_tags,
        read_tags as read_tags,
    )
    from artigraph.tag.write import (
        tag_nodes as tag_nodes,
        untag_nodes as untag_nodes,
    )
    from artigraph.trash.drop import DropReport as DropReport, drop_values as drop_values
    from artigraph.trash.entry import TrashEntry as TrashEntry, read_trash as read_trash
    from artigraph.trash.lock import lock_nodes as lock_nodes, unlock_nodes as unlock_nodes
    from artigraph.trash.restore import restore_nodes as restore_nodes
    from artigraph.trash.trash import empty_trash as empty_trash, trash_nodes as trash_nodes

_BY_NAME = {"Explorer", "FrameViewer", "read_preview"}
"""What few ask for by name: classes of widgets, which wait for their libraries, and what
values have as a method."""

__all__ = [
    "load_ipython_extension",
    "unload_ipython_extension",
    *(name for name in HOME_OF if name not in _BY_NAME),
]


def __getattr__(name: str) -> Any:
    if name not in HOME_OF:
        raise AttributeError(f"module 'artigraph' has no attribute {name!r}")
    value = getattr(import_module(HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOME_OF})


def load_ipython_extension(ipython: object) -> None:
    """Answer ``%load_ext artigraph``.

    Args:
        ipython: The running ``InteractiveShell``.
    """
    import_module("artigraph.notebook.extension").load(ipython)


def unload_ipython_extension(ipython: object) -> None:
    """Answer ``%unload_ext artigraph``: leave IPython as it was.

    Args:
        ipython: The running ``InteractiveShell``.
    """
    import_module("artigraph.notebook.extension").unload(ipython)
