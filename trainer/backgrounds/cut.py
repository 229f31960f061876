"""A part of a video, cut out without being decoded: the pictures stay as they were encoded."""

from pathlib import Path

import av


def cut(source: Path, out: Path, start_s: float, end_s: float | None) -> None:
    """Copy the picture of source from the key frame at or before start_s up to end_s (None: its end) into out.

    Seconds count from the recording's first picture. out keeps the kind of file that source is, and has no sound.
    """
    fresh = out.with_name(f"{out.stem}.new{out.suffix}")
    with av.open(str(source)) as whole, av.open(str(fresh), "w") as part:
        video = whole.streams.video[0]
        assert video.time_base is not None
        first = video.start_time or 0
        copied = part.add_stream_from_template(video)
        if start_s > 0:
            whole.seek(first + int(start_s / video.time_base), stream=video)
        for packet in whole.demux(video):
            if packet.dts is None or packet.pts is None:  # the flush at the end
                continue
            if end_s is not None and float((packet.pts - first) * video.time_base) >= end_s:
                break
            packet.stream = copied
            part.mux(packet)
    fresh.replace(out)
