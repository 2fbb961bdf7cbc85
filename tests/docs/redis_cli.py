"""A stand-in for `redis-cli` where it is not installed: one command, and its reply."""

import argparse
import sys

import redis


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-s", dest="socket")
    parser.add_argument("-h", dest="host", default="127.0.0.1")
    parser.add_argument("-p", dest="port", type=int, default=6379)
    options, words = parser.parse_known_args()
    client = (
        redis.Redis(unix_socket_path=options.socket, decode_responses=True, socket_timeout=30)
        if options.socket
        else redis.Redis(options.host, options.port, decode_responses=True)
    )
    client.response_callbacks.clear()
    try:
        _print(client.execute_command(*words))
    except redis.ResponseError as error:
        print(f"(error) {error}")
        return 1
    return 0


def _print(reply: object, indent: str = "") -> None:
    if not isinstance(reply, list):
        print("(nil)" if reply is None else reply)
        return
    for number, item in enumerate(reply, 1):
        head = f"{number}) "
        print(("" if number == 1 else indent) + head, end="")
        _print(item, indent + " " * len(head))


if __name__ == "__main__":
    sys.exit(main())
