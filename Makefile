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

picture:
	./run python -m deploy.demo.screenshot

# The shipped model of the rendered speaker, from nothing; about half an hour on two quiet cores. Three steps: true
# keypoints of 300 rendered recordings (no video needed), those together with 81 recordings seen through the pose
# network, then only the latter. Tested on cameras, speeches and impostors' styles (takes 08 to 11) that no step has
# seen. Nothing is mirrored: which hand speaks is part of the style. Last, the face: drawn faces lie nearer together than
# people's (one speaker's up to 0.24, the anchor's from 0.44 on), so the limit is its own.
DEMO = build/demo-model
DEMO_TRAIN = ./run trainer train -p demo-speaker --split by_session --features motion --threads 1 --set mirror=0
demo-model:
	./run trainer puppet -o $(DEMO)/true --no-video --prefix true- --seed 1 --takes 8 --genuine 60 --impostors 240 --seconds 30 --impostor-seconds 10
	./run trainer puppet -o $(DEMO)/seen --takes 12 --genuine 45 --impostors 36 --seconds 30 --impostor-seconds 12
	./run trainer extract $(DEMO)/seen/manifest.csv -o $(DEMO)/tracks --jobs 2
	mkdir -p $(DEMO)/both && cp $(DEMO)/true/truth/*.npz $(DEMO)/tracks/*.npz $(DEMO)/both
	$(DEMO_TRAIN) $(DEMO)/true/truth -o $(DEMO)/run1 --set jitter_px=0.5
	$(DEMO_TRAIN) $(DEMO)/both -o $(DEMO)/run2 --init-from $(DEMO)/run1 --set lr=0.002
	$(DEMO_TRAIN) $(DEMO)/tracks -o $(DEMO)/run3 --init-from $(DEMO)/run2 --epochs 3 --set step=15 --set lr=0.0001
	./run trainer evaluate $(DEMO)/run3
	./run trainer export $(DEMO)/run3 -o $(DEMO)/faceless.pt --note "A rendered speaker (trainer/puppet/), nobody real: this model knows only that puppet at its lectern. Begun on true keypoints of 300 other rendered recordings."
	./run trainer puppet -o $(DEMO)/faces --takes 4 --genuine 4 --impostors 0 --seconds 6 --seed 77 --prefix face-
	./run trainer puppet -o $(DEMO)/faces720 --takes 1 --genuine 1 --impostors 0 --seconds 6 --seed 78 --prefix large- --size 1280x720
	./run trainer faces $(DEMO)/faceless.pt $(DEMO)/faces/*.mp4 $(DEMO)/faces720/*.mp4 --limit 0.3 -o models/weights/demo-speaker.pt
