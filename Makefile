.PHONY: check test bench format picture demo-model
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

# The shipped model of the rendered speaker, from nothing; about an hour on two cores. First on true keypoints of many
# rendered styles (no video needed), then on recordings seen through the pose network; tested on cameras, speeches and
# impostors' styles that it was trained on in neither step.
DEMO = build/demo-model
demo-model:
	./run python -m trainer puppet -o $(DEMO)/speeches --no-video --seed 1 --takes 20 --genuine 60 --impostors 240 --seconds 30 --impostor-seconds 10
	./run python -m trainer train $(DEMO)/speeches/truth -p demo-speaker -o $(DEMO)/first --split by_session --features motion --epochs 10 --set jitter_px=0.5
	./run python -m trainer puppet -o $(DEMO)/recordings --takes 12 --genuine 12 --impostors 24 --seconds 30 --impostor-seconds 12
	./run python -m trainer extract $(DEMO)/recordings/manifest.csv -o $(DEMO)/tracks --jobs 2
	./run python -m trainer train $(DEMO)/tracks -p demo-speaker -o $(DEMO)/run --split by_session --features motion --init-from $(DEMO)/first --epochs 20 --set step=15 --set lr=0.001 --set jitter_px=0.5
	./run python -m trainer evaluate $(DEMO)/run
	./run python -m trainer export $(DEMO)/run -o models/weights/demo-speaker.pt --note "A rendered speaker (trainer/puppet.py), nobody real: this model knows only that puppet at its lectern. First trained on true keypoints of 300 other rendered recordings."
picture:
	./run python -m deploy.picture
