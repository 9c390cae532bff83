"""How quick a run is on this machine: each stage alone, the pipeline of them, how near its limit."""

from rtdet.bench.measuring import Bench, measure
from rtdet.bench.stages import Stage

__all__ = ["Bench", "Stage", "measure"]
