"""``python -m stack.deployment``: write every generated file, and remove those left over."""

from stack.deployment.files import generated, left_over
from stack.supervision.process import ROOT


def main() -> None:
    """Write the files, and name those that changed."""
    for path, text in generated().items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(path.relative_to(ROOT))
    for path in left_over():
        path.unlink()
        print(f"{path.relative_to(ROOT)} removed")


if __name__ == "__main__":
    main()
