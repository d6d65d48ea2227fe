"""Check the Terraform files without the provider: ``python -m infra.terraform.check`` ends with code 1 on a problem."""

import sys

from infra.terraform.check.project import Project, read_files


def main() -> int:
    """Print every problem; return 1 if there is any."""
    files = read_files()
    problems = Project(files).check()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems in {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
