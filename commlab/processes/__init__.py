"""What offices do with data beside scoring: one module a process, functions on frames.

``among_peers`` compares units with their like only.
``gap_list``, ``mean_norms``, ``mending_costs``, ``naming_order`` and ``training_windows`` hold units against printed norms.
``early_warning`` charts counts with a stated false-alarm rate (``run_length``, ``alarm_probability`` where the rate is known);
``episodes``, ``handled``, ``kaplan_meier``, ``closing_times`` tell how problems are handled; ``join_sources``, ``data_quality``
put departments' tables side by side; ``covered`` counts places that have what every place should have.
``settle``, ``subgroups``, ``p_chart``, ``individuals_chart`` order ratings as they come and draw their control limits;
``against_floors``, ``floors_met`` hold money against printed floors; ``keep_ledger``, ``carried`` balance points.
``kinds_of`` tells kinds by rules with evidence (``read_kind_rules``, ``peer_groups``); ``needs_of``, ``match_needs`` lead from
needs to services and gaps.
"""

from commlab.processes.coverage import Coverage, covered
from commlab.processes.funds import against_floors, floors_met
from commlab.processes.handling import Lifetimes, closing_times, episodes, handled, kaplan_meier
from commlab.processes.joins import Joined, data_quality, join_sources
from commlab.processes.kinds import KindRule, Kinds, kinds_of, peer_groups, read_kind_rules
from commlab.processes.matching import Matched, match_needs, needs_of
from commlab.processes.norms import gap_list, mean_norms, mending_costs, naming_order
from commlab.processes.peers import among_peers
from commlab.processes.points import Ledger, carried, keep_ledger
from commlab.processes.stream import Stream, individuals_chart, p_chart, settle, subgroups
from commlab.processes.warning import alarm_probability, early_warning, run_length
from commlab.processes.windows import training_windows

__all__ = [
    "Coverage",
    "Joined",
    "KindRule",
    "Kinds",
    "Ledger",
    "Lifetimes",
    "Matched",
    "Stream",
    "against_floors",
    "alarm_probability",
    "among_peers",
    "carried",
    "closing_times",
    "covered",
    "data_quality",
    "early_warning",
    "episodes",
    "floors_met",
    "gap_list",
    "handled",
    "individuals_chart",
    "join_sources",
    "kaplan_meier",
    "keep_ledger",
    "kinds_of",
    "match_needs",
    "mean_norms",
    "mending_costs",
    "naming_order",
    "needs_of",
    "p_chart",
    "peer_groups",
    "read_kind_rules",
    "run_length",
    "settle",
    "subgroups",
    "training_windows",
]
