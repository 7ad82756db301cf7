"""Which of our cities stand for a paper's data sets."""

ORIGINALS = {f"TaxiBJ-P{n}": f"taxibj-p{n}" for n in range(1, 5)} | {"BikeNYC": "bikenyc-2019"}
for _mode in ("bike", "taxi"):  # "taxi NY>DC", and "taxi DC" for methods that transfer nothing
    for _pair in ("NY>DC", "CHI>DC", "NY>CHI", "CHI>NY", "DC", "CHI", "NY"):
        _cities = [f"crosstres-{_city.lower()}-{_mode}" for _city in _pair.split(">")]
        ORIGINALS[f"{_mode} {_pair}"] = ">".join(_cities)
_SPEEDS = ("METR-LA", "PEMS-BAY", "Chengdu", "Shenzhen")  # TSJT: one the target, others sources
for _target in _SPEEDS:
    _others = "+".join(f"stgfsl-{_city.lower()}" for _city in _SPEEDS if _city != _target)
    ORIGINALS[_target] = f"{_others}>stgfsl-{_target.lower()}"
AVERAGES = {"TaxiBJ-avg": tuple(f"taxibj-p{n}" for n in range(1, 5))}  # means over four sets
