.PHONY: check test bench format picture demo-model background
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

# The shipped model of the rendered speaker, from ten genuine recordings alone; some ten minutes on two quiet cores. Drawn
# faces lie nearer together than people's, so their limit is its own.
DEMO = build/demo-model
demo-model:
	./run trainer puppet -o $(DEMO)/genuine --takes 12 --genuine 10 --impostors 0 --seconds 30 --seed 21
	./run enrol demo-speaker $(DEMO)/genuine/*.mp4 -o $(DEMO)/demo-speaker.pt --face-limit 0.3 --jobs 2 --note "A rendered speaker (trainer/puppet/), nobody real: this model knows only that puppet at its lectern."
