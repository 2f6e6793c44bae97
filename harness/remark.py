"""Something to tell the user, as a code and the values of its sentence; reports/ has the sentence in every language."""

from typing import Any, Dict, Tuple, Union

from pydantic import BaseModel, ConfigDict, model_validator


class Remark(BaseModel):
    """One thing to say: immutable, and stored in records as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    code: str
    """A key of reports.sentences.SENTENCES or of harness.gates.reasons.REASONS."""
    values: Dict[str, Union[str, int, float, Tuple[str, ...], "Remark"]] = {}
    """What fills the names in the sentence; a remark within a remark is worded first."""

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.values.items())))

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, data: Any) -> Any:
        """Take a plain text for the remark that says it: records of earlier versions hold sentences."""
        return {"code": "text", "values": {"text": data}} if isinstance(data, str) else data


def remark(code: str, **values: Union[str, int, float, Tuple[str, ...], Remark]) -> Remark:
    """Return the remark of this code, filled with these values."""
    return Remark(code=code, values=values)
