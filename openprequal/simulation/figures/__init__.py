"""Which figures of the paper are there, and what has to be run for each?

One module a figure: the scenarios, what the paper measured, what to look for, and whether it is so here.
"""

from collections.abc import Mapping

from openprequal.simulation.figure import Figure
from openprequal.simulation.figures import fig6, fig7, fig8, fig9, fig10

FIGURES: Mapping[str, Figure] = {
    each.name: each for each in (fig6.FIGURE, fig7.FIGURE, fig8.FIGURE, fig9.FIGURE, fig10.FIGURE)
}
