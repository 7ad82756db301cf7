"""What a profile asks of each target."""

from stflow_lib.speedgraph.plan import Plan


def test_protocol_of_a_target():
    """The lab asks for changes; the paper's sizes follow the bare protocol."""
    assert Plan.of("lab").protocol("la") == "P10-change1"
    assert Plan.of("lab").protocol("aarhus") == "P10-every24-change1"
    assert {Plan.of("paper").protocol(t) for t in ("la", "aarhus")} == {"P10"}
