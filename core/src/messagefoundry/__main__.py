"""`python -m messagefoundry` is the command `messagefoundry`."""

from messagefoundry.cli import main

if __name__ == "__main__":
    main()
