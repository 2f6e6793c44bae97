"""What the system did to a process while its steps were timed: whether they had the processor for themselves."""

from typing import Optional

from pydantic import Field

from harness.records.base import Count, Record, Seconds

DISTURBED = 0.1
"""Share of its time that a process lost to others from which on its step time is not its own: the timing gate's limit
is of that size, and what TensorFlow's own threads wait for each other is not counted."""


class Scheduling(Record):
    """A process from its first step, which is left out, to the last timed one; None where the system does not tell."""

    seconds: Seconds
    """Seconds that passed."""
    niceness: Optional[int] = None
    affinity: str = ""
    """Processors that the process may run on, such as `0-3,8`; empty where the system does not tell."""
    cpu_seconds: float = Field(ge=0)
    """CPU time of all threads of the process."""
    waiting_seconds: Optional[float] = Field(None, ge=0)
    """Time that its threads were ready to run and waited for a processor, for those of their own process too."""
    others_seconds: Optional[float] = Field(None, ge=0)
    """CPU time of everything else that ran on the processors of the affinity."""
    stolen_seconds: Optional[float] = Field(None, ge=0)
    """Time that the hypervisor kept these processors for other machines."""
    migrations: Optional[Count] = None
    """Moves of a thread to another processor."""
    involuntary_switches: Optional[Count] = None
    """Times that a thread had to leave its processor before it was done."""
    throttled_seconds: Optional[float] = Field(None, ge=0)
    """Time that a control group's quota held the process back."""
    thermal_throttles: Optional[Count] = None
    """Times that a core of the machine slowed down because of its heat."""

    @property
    def lost_share(self) -> float:
        """Share of its time that the process lost to others, as far as the system tells: the largest of its kinds.

        Threads that waited while others ran lost no more than the lesser of both times.
        """
        waited = min(self.waiting_seconds or 0.0, self.others_seconds or 0.0)
        kept = self.cpu_seconds + waited
        shares = [
            waited / kept if kept else 0.0,
            (self.stolen_seconds or 0.0) / (self.cpu_seconds + (self.stolen_seconds or 0.0) or 1.0),
            (self.throttled_seconds or 0.0) / self.seconds,
        ]
        return min(max(shares), 1.0)
