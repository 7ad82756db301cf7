"""What pyproject.toml cannot say: an installed package brings files that lie beside it here.

Profiles, the papers' claims, published records and the lock come to `stflow_lib/checkout` of a
wheel, at the paths that they have in a checkout; `stflow_lib.ROOT` is that folder there.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
SHIPPED = ("notebooks/profiles.yaml", "requirements.lock", "book/equations.csv",
           "book/interval_scores.csv", "book/claims/*.csv", "book/results/**/*",
           "book/_static/slider_map.*")  # fmt: skip


class WithRecords(build_py):
    """The package, and in a wheel what it reads at run time."""

    def run(self) -> None:
        """Build; an editable package finds the files where they lie."""
        super().run()
        if not self.editable_mode:
            for path in shipped():
                target = Path(self.build_lib, "stflow_lib", "checkout", path.relative_to(HERE))
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))


def shipped() -> list[Path]:
    """The files beside the package that it reads at run time."""
    found = {path for pattern in SHIPPED for path in HERE.glob(pattern) if path.is_file()}
    return sorted(found)


if __name__ == "__main__":
    setup(cmdclass={"build_py": WithRecords})
