"""Scorers of other packages as evaluators: each takes the package's own object and gives what an experiment lists.

    from scoregate.scorers.adapters import from_deepeval

    evaluators = [from_deepeval(ExactMatchMetric(), name="exact")]

The packages are extras (`pip install scoregate[deepeval]`). None of them is imported here, but by whoever makes the
object. What an adapter does not know of an object, such as a prompt in a file, does not count to the scorer's version:
give `version` then.
"""

from scoregate.scorers.adapters.autoevals import from_autoevals
from scoregate.scorers.adapters.deepeval import from_deepeval
from scoregate.scorers.adapters.openevals import from_openevals
from scoregate.scorers.adapters.pydantic_evals import from_pydantic_evals
from scoregate.scorers.adapters.ragas import from_ragas

__all__ = ["from_autoevals", "from_deepeval", "from_openevals", "from_pydantic_evals", "from_ragas"]
