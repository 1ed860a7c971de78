"""``completion``: scripts with which shells complete commands and options."""

import argparse
import shlex
from collections.abc import Iterator

from notifier_client import NotifierClient
from notifier_client.cli.commands import Commands
from notifier_client.cli.output import Output

_BASH = """\
_notifier() {{
    local path= word words=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
            {paths}) path="$path $word" ;;
        esac
    done
    case "$path" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _notifier notifier"""
_ZSH = "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n"
_EXAMPLES = """
source <(notifier completion bash)                                   # in ~/.bashrc
source <(notifier completion zsh)                                    # in ~/.zshrc
notifier completion fish > ~/.config/fish/completions/notifier.fish
"""


def add(commands: Commands, whole: argparse.ArgumentParser) -> None:
    """Add the command, for all commands that ``whole`` has when it is run."""

    def run(_: NotifierClient | None, arguments: argparse.Namespace, out: Output) -> None:
        script = SHELLS[arguments.shell](dict(_tree(whole)))
        out.row({"shell": arguments.shell, "script": script}, script)

    summary = "Print a script with which a shell completes commands and options."
    parser = commands.add("completion", run, summary, _EXAMPLES, connects=False)
    parser.add_argument("shell", choices=SHELLS)


def _tree(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Iterate over (path, words that may follow it) of all commands."""
    words: list[str] = []
    for action in parser._actions:
        words += [option for option in action.option_strings if option.startswith("--")]
        if isinstance(action, argparse._SubParsersAction):
            words += action.choices
            for name, child in action.choices.items():
                yield from _tree(child, (*path, name))
        elif not action.option_strings and action.choices:
            words += action.choices
    yield path, words


def _bash(tree: dict[tuple[str, ...], list[str]]) -> str:
    paths = "|".join(shlex.quote(" " + " ".join(path)) for path in tree if path)
    cases = "\n".join(
        f'        "{"".join(f" {word}" for word in path)}") words="{" ".join(words)}" ;;'
        for path, words in sorted(tree.items())
    )
    return _BASH.format(paths=paths, cases=cases)


def _zsh(tree: dict[tuple[str, ...], list[str]]) -> str:
    return _ZSH + _bash(tree)


def _fish(tree: dict[tuple[str, ...], list[str]]) -> str:
    lines = ["complete -c notifier -f"]
    for path, words in sorted(tree.items()):
        # A command's own words follow it; a group's commands go once one of them is there.
        seen = [f"__fish_seen_subcommand_from {word}" for word in path]
        below = [word for word in words if not word.startswith("--")]
        for word in words:
            if word.startswith("--"):
                lines.append(_fish_line(seen or ["__fish_use_subcommand"], f"-l {word[2:]}"))
            else:
                until = f"not __fish_seen_subcommand_from {' '.join(below)}"
                lines.append(_fish_line([*seen, until], f"-a {word}"))
    return "\n".join(lines)


def _fish_line(conditions: list[str], word: str) -> str:
    return f"complete -c notifier -n {shlex.quote('; and '.join(conditions))} {word}"


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
