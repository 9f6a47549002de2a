"""The agent's loop: what one call does to the others of its turn."""

import socket

from headgate.agent.loop import Loop


def test_a_file_that_an_earlier_call_of_the_turn_has_closed_is_passed_over() -> None:
    loop = Loop()
    pairs = [socket.socketpair() for _ in range(2)]
    called = []

    def close_both() -> None:
        called.append(1)
        for near, _ in pairs:
            loop.forget(near)
            near.close()

    for near, far in pairs:
        loop.watch(near, close_both)
        far.send(b"x")
    loop.turn(0.1)
    loop.turn(0.01)
    assert called == [1]
    loop.close()
    for _, far in pairs:
        far.close()
