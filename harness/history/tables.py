"""The tables of an index: one holds the runs' records whole, another the figures that queries ask for, made of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

VERSION = 1
"""Version of FIGURES, raised when an older program would misread it; `index rebuild` makes it anew."""

METADATA = MetaData()

FORM = Table("stylebench_index", METADATA, Column("version", Integer, nullable=False))
"""One row: the version of FIGURES. This table and RECORDS stay as they are."""

RECORDS = Table(
    "stylebench_records",
    METADATA,
    Column("run_key", Text, primary_key=True),  # harness.history.parcel.run_key
    Column("digest", Text, nullable=False),  # SHA-256 of run.json
    Column("progress", BigInteger, nullable=False),  # a copy of the run that has less of it replaces none that has more
    Column("committed", Text),  # when its revision was committed, as the checkout that pushed it knew
    Column("approved", Boolean, nullable=False),  # some baseline was approved from it: it is never pruned
    Column("record", LargeBinary, nullable=False),  # run.json, deflated
)
"""The runs as they were pushed, from which FIGURES can be made anew."""

FIGURES = Table(
    "stylebench_figures",
    METADATA,
    Column("run_key", Text, ForeignKey("stylebench_records.run_key"), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("case_id", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("committed", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("revision", Text),
    Column("commit_hash", Text),
    Column("branch", Text),
    Column("processor", Text, nullable=False),
    Column("op_table", Text, nullable=False),
    Column("emulated", Boolean, nullable=False),
    Column("steady", Boolean),
    Column("step_seconds", Float(53)),
    Column("step_low", Float(53)),
    Column("step_high", Float(53)),
    Column("ratio", Float(53)),
    Column("casts", BigInteger),
    Column("bytes_cast", BigInteger),
    Column("ssim", Float(53)),
    Column("final_loss", Float(53)),
    Column("true_loss", Float(53)),
    Column("peak_memory_bytes", BigInteger),
    Index("stylebench_figures_of_case", "case_id", "mode", "committed"),
)
"""The fields of harness.history.series.Entry, in its order, behind the key of the run."""
