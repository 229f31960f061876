.PHONY: check test bench format picture demo-model-enrolled demo-model background
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

# The shipped background, from nothing: the public clips on terms that allow it (trainer/backgrounds/TERMS.md), the signers'
# motions and the exercises of UI-PRMD, which MOTIONS and EXERCISES name. Their sources stand in models/weights/NOTICE.md.
BACK = build/background
background:
	for kind in real generated; do \
	  ./run trainer fetch-background -o $(BACK)/clips/$$kind --terms ship --kind $$kind && \
	  ./run trainer extract $(BACK)/clips/$$kind/manifest.csv -o $(BACK)/$$kind --jobs 2 || exit 1; \
	done
	./run trainer background $(BACK)/real $(BACK)/generated $(MOTIONS) $(EXERCISES) --generated $(BACK)/generated -o $(BACK)/speakers.npz

# The rendered speaker enrolled from ten genuine recordings alone; some ten minutes on two quiet cores. Drawn
# faces lie nearer together than people's, so their limit is its own; the alarm is for five false alerts an hour, so that the
# impostor's 22 s are enough on a busy machine too.
DEMO = build/demo-model-enrolled
demo-model-enrolled:
	./run trainer puppet -o $(DEMO)/genuine --takes 12 --genuine 10 --impostors 0 --seconds 30 --seed 21
	./run enrol demo-speaker $(DEMO)/genuine/*.mp4 -o $(DEMO)/demo-speaker-enrolled.pt --face-limit 0.3 --false-alerts-per-hour 5 --jobs 2 --note "A rendered speaker (trainer/puppet/), nobody real: this model knows only that puppet at its lectern."

# The demo's model of the rendered speaker as the paper makes one, a network trained with fakes, from nothing; about half an hour on two quiet cores. Three steps: true
# keypoints of 300 rendered recordings (no video needed), those together with 81 recordings seen through the pose
# network, then only the latter. Tested on cameras, speeches and impostors' styles (takes 08 to 11) that no step has
# seen. Nothing is mirrored: which hand speaks is part of the style. Last, the face: drawn faces lie nearer together than
# people's (one speaker's up to 0.24, the anchor's from 0.44 on), so the limit is its own.
TWO = build/demo-model
TWO_TRAIN = ./run trainer train -p demo-speaker --split by_session --features motion --threads 1 --set mirror=0
demo-model:
	./run trainer puppet -o $(TWO)/true --no-video --prefix true- --seed 1 --takes 8 --genuine 60 --impostors 240 --seconds 30 --impostor-seconds 10
	./run trainer puppet -o $(TWO)/seen --takes 12 --genuine 45 --impostors 36 --seconds 30 --impostor-seconds 12
	./run trainer extract $(TWO)/seen/manifest.csv -o $(TWO)/tracks --jobs 2
	mkdir -p $(TWO)/both && cp $(TWO)/true/truth/*.npz $(TWO)/tracks/*.npz $(TWO)/both
	$(TWO_TRAIN) $(TWO)/true/truth -o $(TWO)/run1 --set jitter_px=0.5
	$(TWO_TRAIN) $(TWO)/both -o $(TWO)/run2 --init-from $(TWO)/run1 --set lr=0.002
	$(TWO_TRAIN) $(TWO)/tracks -o $(TWO)/run3 --init-from $(TWO)/run2 --epochs 3 --set step=15 --set lr=0.0001
	./run trainer evaluate $(TWO)/run3
	./run trainer export $(TWO)/run3 -o $(TWO)/faceless.pt --note "A rendered speaker (trainer/puppet/), nobody real: this model knows only that puppet at its lectern. Begun on true keypoints of 300 other rendered recordings."
	./run trainer puppet -o $(TWO)/faces --takes 4 --genuine 4 --impostors 0 --seconds 6 --seed 77 --prefix face-
	./run trainer puppet -o $(TWO)/faces720 --takes 1 --genuine 1 --impostors 0 --seconds 6 --seed 78 --prefix large- --size 1280x720
	./run trainer faces $(TWO)/faceless.pt $(TWO)/faces/*.mp4 $(TWO)/faces720/*.mp4 --limit 0.3 -o $(TWO)/demo-speaker.pt
