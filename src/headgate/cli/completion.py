"""`headgate completion`: the script that makes a shell complete commands, options and names."""

import click
from click.shell_completion import get_completion_class

from headgate.cli.options import PlainCommand
from headgate.errors import NotFound

VARIABLE = "_HEADGATE_COMPLETE"


@click.command(cls=PlainCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash: headgate completion bash > ~/.local/share/bash-completion/completions/headgate
    zsh:  headgate completion zsh > "${fpath[1]}/_headgate"
    fish: headgate completion fish > ~/.config/fish/completions/headgate.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise NotFound(f"Expected bash, zsh or fish, got {shell!r}.")
    script = kind(ctx.find_root().command, {}, "headgate", VARIABLE)
    # the whole `source` of bash first runs bash to look at its version, which may be another machine's concern
    click.echo(script.source_template % script.source_vars())
