"""What a plan has to say beside its decisions: options without effect, probable typing errors, what is assumed."""

import difflib
import re
from typing import Dict, Iterable, Iterator, List, Sequence, Set

from harness.precision.rules.ascend_ops import AscendOp
from harness.precision.rules.config import MATMUL32_FILE, PrecisionConfig
from harness.precision.rules.kernels import GRAY
from harness.precision.rules.op_table import load_op_table
from harness.remark import Remark, remark

# Subgraphs that the parser would make one op of, by the name scope they stand in (canndev
# framework/tf_scope_fusion_passes). Here their ops are planned one by one.
_SCOPES = {
    "LayerNorm": re.compile(r"(.*/)?(LayerNorm|layer_norm|layer_normalization)(_\d+)?/"),
    "InstanceNorm": re.compile(r"(.*/)?(InstanceNorm|instance_norm|instance_normalization)(_\d+)?/"),
    "BasicLSTMCell": re.compile(r"(.*/)?basic_lstm_cell(_\d+)?/"),
    "DynamicRNN": re.compile(r"(.*/)?(dynamic_)?(b|bidirectional_)?rnn(_\d+)?/(while|fw/|bw/)"),
}
_LIKE = 0.8
"""Similarity of names, from 0 to 1, above which one is taken for the other mistyped."""


def on_lists(config: PrecisionConfig, ops: Sequence[AscendOp]) -> Iterator[Remark]:
    """Yield what a mixlist says without effect on these ops (GE modify_mixlist_config_parser.cc)."""
    lists = config.mixlist
    if lists is None:
        return
    yield from _types("mixlist", [name for _, name in lists.added + lists.removed], ops)
    removed = {name for _, name in lists.removed}
    for flag, name in lists.added:
        if flag == GRAY and name not in removed:
            yield remark("mixlist_gray_alone", type=name)
    table = load_op_table().ops
    for flag, name in lists.removed:
        if name in table and table[name].mixlist != flag:
            yield remark("mixlist_not_on_list", type=name, list=flag, actual=table[name].mixlist)


def on_customised_types(config: PrecisionConfig, ops: Sequence[AscendOp]) -> Iterator[Remark]:
    """Yield which types of a customize_dtypes file have no effect on these ops; those of the packaged file are ours."""
    packaged = f"{MATMUL32_FILE.name}: "
    names = [entry.key for entry in config.custom_dtypes if entry.by_type and not entry.source.startswith(packaged)]
    yield from _types("customize_dtypes", names, ops)
    # A Cast has the dtypes that the model asks for.
    if "Cast" in names:
        yield remark("customized_type_without_effect", type="Cast")


def on_scopes(nodes: Iterable[str]) -> Iterator[Remark]:
    """Yield which scope fusions are assumed not to happen, with a scope that might be one op on the card."""
    found: Dict[str, Set[str]] = {}
    for node in nodes:
        for fusion, pattern in _SCOPES.items():
            match = pattern.match(node) if not node.startswith("gradients") else None
            if match:
                found.setdefault(fusion, set()).add(match.group().rstrip("/"))
    for fusion, scopes in found.items():
        yield remark("scope_fusion_assumed_absent", fusion=fusion, scopes=len(scopes), first=min(scopes))


def _types(file: str, names: Sequence[str], ops: Sequence[AscendOp]) -> Iterator[Remark]:
    table, present = load_op_table(), {op.type for op in ops}
    absent: List[str] = []
    for name in dict.fromkeys(names):
        if name in present:
            continue
        like = [] if table.known_type(name) else difflib.get_close_matches(name, list(table.ops), 1, _LIKE)
        if like:
            yield remark("type_mistyped", file=file, type=name, like=like[0])
        else:
            absent.append(name)
    if absent:
        yield remark("types_without_effect", file=file, types=tuple(absent))
