"""DCRNN and Graph WaveNet meta-learned by Reptile on the sources, then fine-tuned."""

from stflow_lib.speedgraph.networks import dcrnn
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.training.reptile import ReptileSettings, reptile

DCRNN = reptile("DCRNN", lambda: ReptileSettings(dcrnn.DCRNNSize()))
GWN = reptile("GWN", lambda: ReptileSettings(gwn.GWNSize()))
