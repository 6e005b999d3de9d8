"""`python -m scoregate` is the command `scoregate`."""

from scoregate.cli.main import main

if __name__ == "__main__":
    main()
