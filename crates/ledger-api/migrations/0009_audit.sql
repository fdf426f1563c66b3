-- Answers are written in the order of the log, so the smallest of indexes finds those of a slice.
CREATE INDEX answers_by_seq ON answers USING brin (seq);
