"""The compiler's dtype judgement of one op: engine choice, the two matchers, and the rules of the modes.

A reimplementation of the public rules of GE (hicann/ge, compiler/engines/nn_engine/optimizer): op_judge/
format_and_dtype, whose matchers narrow a list of kernel rows tensor by tensor, and sub_ops_store.cc.
"""

from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from harness.precision.number_formats import CONVERTED, FLOAT16, FORMATS, NARROW
from harness.precision.rules.ascend_ops import COMPUTED, AscendOp
from harness.precision.rules.config import (
    ALLOW_FP32_TO_FP16,
    ALLOW_MIX,
    FORCE_FP16,
    FORCE_FP32,
    MUST_KEEP,
    CustomDtypes,
    PrecisionConfig,
)
from harness.precision.rules.kernels import BLACK, GRAY, WHITE, KernelRow, OpKernel
from harness.precision.rules.op_table import load_op_table

AI_CORE, AI_CPU, HOST, COMPILE_ERROR, UNKNOWN = "ai_core", "ai_cpu_fp32", "host", "compile_error", "unknown"

Rows = List[int]

# GE sub_ops_store.cc, CheckPrecisionReduce: a black op is never narrowed in these.
_WITH_BLACK_LIST = (ALLOW_MIX, FORCE_FP32)


class Judgement(NamedTuple):
    """What the compiler decides for one op."""

    engine: str
    """AI_CORE, AI_CPU, HOST, COMPILE_ERROR or UNKNOWN; the op keeps its dtypes on all but the first."""
    inputs: Tuple[str, ...]
    """Dtypes of the connected inputs, in order."""
    outputs: Tuple[str, ...]
    rule: str


class Producer(NamedTuple):
    """What a gray op sees on an input: the producer's current output dtype, and its name for the record."""

    dtype: str
    name: str


class _Tensor(NamedTuple):
    original: str
    position: int
    is_input: bool
    producer: Optional[Producer]

    def of(self, row: KernelRow) -> Optional[str]:
        dtypes = row.inputs if self.is_input else row.outputs
        return dtypes[self.position] if self.position < len(dtypes) else None


def judge(op: AscendOp, config: PrecisionConfig, producer: Callable[[str], Producer]) -> Judgement:
    """Decide engine and dtypes of one op whose producers have been judged.

    Args:
        producer: what stands behind a tensor, by its root name.
    """
    kept = Judgement(
        UNKNOWN, tuple(tensor.dtype for tensor in op.inputs), tuple(tensor.dtype for tensor in op.outputs), ""
    )
    if op.kernel is None:
        return kept._replace(rule="not in the op table: keeps its dtype")
    if op.type == "Cast":
        return kept._replace(engine=AI_CORE, rule="Cast keeps the dtypes the model asks for")
    if op.kernel.unit == "host":
        engine = {"yes": AI_CPU, "no": HOST, "unknown": UNKNOWN}[op.kernel.ai_cpu]
        return kept._replace(engine=engine, rule="no AI Core kernel: keeps its dtype")
    return _Judge(op, op.kernel, config, producer).run(kept)


def custom_entry(op: AscendOp, config: PrecisionConfig) -> Optional[CustomDtypes]:
    """Return the customize_dtypes entry of an op: by name, else by type, none under must_keep_origin_dtype.

    GE sub_ops_store.cc, CheckCustomizeDtype; TF Adapter documentation, customize_dtypes.
    """
    if config.mode == MUST_KEEP:
        return None
    by_name = {entry.key: entry for entry in config.custom_dtypes if not entry.by_type}
    by_type = {entry.key: entry for entry in config.custom_dtypes if entry.by_type}
    return by_name.get(op.name) or by_type.get(op.type)


def rise(want: str, rows: Rows, dtypes: Dict[int, Optional[str]]) -> Optional[Rows]:
    """Keep the rows of the wanted dtype, else those of a wider float; None when there are none.

    `dtypes` gives this tensor's dtype by row number. GE op_dtype_rise_matcher.cc.
    """
    equal = [row for row in rows if dtypes[row] == want]
    if equal or want not in NARROW:
        return equal or None
    return [row for row in rows if dtypes[row] == "float32"] or None


def reduce(want: str, rows: Rows, dtypes: Dict[int, Optional[str]]) -> Optional[Rows]:
    """Keep the rows of a narrower float; None when there are none. GE op_dtype_reduce_matcher.cc."""
    if want != "float32":
        return None
    return [row for row in rows if dtypes[row] in NARROW] or None


class _Judge:
    """Narrows the kernel rows of one op, tensor by tensor, and takes the first that is left."""

    def __init__(
        self, op: AscendOp, kernel: OpKernel, config: PrecisionConfig, producer: Callable[[str], Producer]
    ) -> None:
        self.op = op
        self.kernel = kernel
        self.config = config
        self.mode, self.low = config.rule, config.low
        self.kernel_rows = [_in_format(row, self.low) for row in kernel.rows_for(len(op.inputs), len(op.outputs))]
        self.custom = custom_entry(op, config)
        self.policy = config.mixlist.flag(op.type, kernel.mixlist) if config.mixlist else kernel.mixlist
        self.inputs = [_Tensor(tensor.dtype, tensor.position, True, producer(tensor.root)) for tensor in op.inputs]
        self.outputs = [_Tensor(tensor.dtype, index, False, None) for index, tensor in enumerate(op.outputs)]
        self.cube_list = load_op_table().cube_types if config.profile == "current" else frozenset()
        self.reduced = False
        self.rule = ""

    def run(self, kept: Judgement) -> Judgement:
        admitted = self._admitted_rows()
        if self.custom is None and not all(self._accepted(tensor) for tensor in self.inputs + self.outputs):
            listed = "black, " if self.mode in _WITH_BLACK_LIST and self.policy == BLACK else ""
            return self._refuse(kept, f"{listed}no kernel row keeps its dtype")
        if not admitted:
            return self._refuse(kept, "no kernel row has the customised dtypes")
        row = self.kernel_rows[self._choose(admitted)]
        inputs = tuple(tensor.of(row) or tensor.original for tensor in self.inputs)
        outputs = tuple(tensor.of(row) or tensor.original for tensor in self.outputs)
        rule = "customised dtypes" if self.custom and len(admitted) == 1 else self.rule
        return Judgement(AI_CORE, inputs, outputs, rule)

    def _admitted_rows(self) -> Rows:
        """Keep the rows that equal the customised dtypes; tensors that are not connected, such as a bias, are free.

        GE op_format_dtype_judge.cc, FilterDtypeIndexByCustom.
        """
        wanted: List[Tuple[_Tensor, str]] = []
        if self.custom is not None:
            connected = {tensor.position: tensor for tensor in self.inputs}
            wanted = [(connected[i], dtype) for i, dtype in enumerate(self.custom.inputs) if dtype and i in connected]
            wanted += [(tensor, dtype) for tensor, dtype in zip(self.outputs, self.custom.outputs) if dtype]
            if not wanted and any(self.custom.inputs + self.custom.outputs):
                return []  # no row has been compared, which the compiler takes for none that fits
        return [
            number
            for number, row in enumerate(self.kernel_rows)
            if all(tensor.of(row) == dtype for tensor, dtype in wanted)
        ]

    def _accepted(self, tensor: _Tensor) -> bool:
        """Say whether some row takes a tensor's original dtype (GE sub_ops_store.cc, CheckPrecisionReduce).

        Each tensor is checked alone; that one row takes them all is not checked.
        """
        if tensor.original not in FORMATS:
            return True
        dtypes = {tensor.of(row) for row in self.kernel_rows}
        if tensor.original in dtypes or None in dtypes:
            return True
        if tensor.original in NARROW:
            return "float32" in dtypes
        if tensor.original != "float32" or self.low not in dtypes:
            return False
        if self.op.keep_dtype or self.mode == MUST_KEEP:
            return False
        return not (self.mode in _WITH_BLACK_LIST and self.policy == BLACK)

    def _refuse(self, kept: Judgement, reason: str) -> Judgement:
        """AI CPU takes what AI Core refuses, if it has the op; where that is unknown it is assumed not to."""
        engine = AI_CPU if self.kernel.ai_cpu == "yes" else COMPILE_ERROR
        return kept._replace(engine=engine, rule=reason)

    def _choose(self, rows: Rows) -> int:
        if self.mode == FORCE_FP32 and not (self.op.keep_dtype or self.kernel.no_kernel):
            return self._prefer_wide(rows)
        return self._narrow_all(rows)

    def _prefer_wide(self, rows: Rows) -> int:
        """Rule of force_fp32, which judges whole rows (TF Adapter documentation, precision_mode).

        Cube ops: float16 in and float32 out, else float32, else float16. Vector ops: float32, else float16.
        """

        def wants(row: int) -> Tuple[bool, int]:
            dtypes = self.kernel_rows[row]
            narrow = sum(tensor.of(dtypes) in NARROW for tensor in self.inputs)
            prefers_narrow = self.kernel.unit == "cube"
            return any(dtype in NARROW for dtype in dtypes.outputs), -narrow if prefers_narrow else narrow

        chosen = min(rows, key=wants)
        self.rule = "float32 out" if not wants(chosen)[0] else f"no float32 row: {self.low}"
        return chosen

    def _narrow_all(self, rows: Rows) -> int:
        # SortInputBySequence: inputs from ops first, then those from constants and variables.
        pairs = zip(self.op.inputs, self.inputs)
        ordered = sorted(pairs, key=lambda pair: (pair[0].kind != COMPUTED, pair[0].position))
        rules: List[Tuple[bool, int, str]] = []
        for tensor in [tensor for _, tensor in ordered] + self.outputs:
            dtypes = {number: tensor.of(row) for number, row in enumerate(self.kernel_rows)}
            narrowed, rule = self._narrow(tensor, rows, dtypes)
            narrowed = rows if narrowed is None else narrowed
            if tensor.original in CONVERTED:
                rules.append((len(narrowed) == len(rows), len(rules), rule))
            rows = narrowed
        # The first tensor that ruled a row out settles the op; without one, the first tensor's rule.
        self.rule = min(rules)[2] if rules else "no float tensor"
        return rows[0]

    def _narrow(self, tensor: _Tensor, rows: Rows, dtypes: Dict[int, Optional[str]]) -> Tuple[Optional[Rows], str]:
        """Dispatch by mode (GE op_format_dtype_strategy_manager.cc, MatchByDifferentMode)."""
        if self.op.keep_dtype:
            return self._keep_or_reduce(tensor, rows, dtypes, frozenset())
        if self.kernel.no_kernel and self.mode != FORCE_FP16:
            return self._mixed(tensor, rows, dtypes)
        if self.mode == FORCE_FP16 or (self.mode == ALLOW_FP32_TO_FP16 and self.reduced):
            return self._force(tensor, rows, dtypes)
        if self.mode == ALLOW_FP32_TO_FP16:
            return self._keep_or_reduce(tensor, rows, dtypes, self.cube_list)
        if self.mode == ALLOW_MIX:
            return self._mixed(tensor, rows, dtypes)
        return rise(tensor.original, rows, dtypes), "keeps its dtype"

    def _force(self, tensor: _Tensor, rows: Rows, dtypes: Dict[int, Optional[str]]) -> Tuple[Optional[Rows], str]:
        want = self.low if tensor.original == "float32" else tensor.original
        rule = "force_fp16: float16" if self.mode == FORCE_FP16 else f"no float32 row: {self.low}"
        return rise(want, rows, dtypes), rule

    def _keep_or_reduce(
        self, tensor: _Tensor, rows: Rows, dtypes: Dict[int, Optional[str]], cube_list: FrozenSet[str]
    ) -> Tuple[Optional[Rows], str]:
        """Rule of allow_fp32_to_fp16 (GE op_dtype_selection_strategy_allow_fp32_to_fp16.cc)."""
        want, rule = tensor.original, "keeps its dtype"
        if want == "float32" and self.op.type in cube_list:
            want, rule = self.low, f"cube op: {self.low}"
        narrowed = rise(want, rows, dtypes)
        if narrowed is None and want == "float32":
            narrowed, rule = reduce(want, rows, dtypes), f"no float32 row: {self.low}"
            self.reduced = self.reduced or narrowed is not None
        return narrowed, rule

    def _mixed(self, tensor: _Tensor, rows: Rows, dtypes: Dict[int, Optional[str]]) -> Tuple[Optional[Rows], str]:
        """Rule of allow_mix_precision (GE op_dtype_selection_strategy_allow_mix_precision_base.cc)."""
        if self.policy == GRAY:
            if tensor.producer is None:
                return self._keep_or_reduce(tensor, rows, dtypes, self.cube_list)
            want = tensor.producer.dtype if tensor.original in CONVERTED else tensor.original
            rule = f"gray: {want} like {tensor.producer.name}"
            narrowed = rise(want, rows, dtypes)
            if narrowed is None:
                narrowed, rule = reduce(want, rows, dtypes), f"gray, no float32 row: {self.low}"
            return narrowed, rule
        if self.policy == WHITE and tensor.original in CONVERTED:
            return [row for row in rows if dtypes[row] == self.low] or None, f"white: {self.low}"
        return rise(tensor.original, rows, dtypes), f"{self.policy}: keeps its dtype"


def _in_format(row: KernelRow, low: str) -> KernelRow:
    """Return the row in the mode's narrow format. **Assumed**: later chips have bfloat16 where the 910 has float16."""
    if low == FLOAT16.name:
        return row
    sides = [tuple(low if dtype == FLOAT16.name else dtype for dtype in side) for side in (row.inputs, row.outputs)]
    return KernelRow(inputs=sides[0], outputs=sides[1])
