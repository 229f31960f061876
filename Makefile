.PHONY: check test bench format
check:
	./run python -m ruff check .
	./run python -m ruff format --check .
	./run python -m mypy
test:
	./run test
bench:
	./run bench pose --json
	./run bench pipeline --streams 2 --seconds 120 --size 1280x720 --json
format:
	./run python -m ruff check --fix .
	./run python -m ruff format .
