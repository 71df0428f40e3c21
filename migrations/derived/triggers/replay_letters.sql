-- replay_letters: keeps the counts of each replay.
CREATE TRIGGER count_replay_letters_insert AFTER INSERT ON replay_letters
BEGIN
  INSERT INTO replay_counts (replay_id, planned, became, letters)
  VALUES (NEW.replay_id, NEW.planned, NEW.became, 1)
  ON CONFLICT (replay_id, planned, became) DO UPDATE SET letters = letters + 1;
END;

CREATE TRIGGER count_replay_letters_update AFTER UPDATE ON replay_letters
WHEN OLD.became <> NEW.became OR OLD.planned <> NEW.planned
BEGIN
  UPDATE replay_counts SET letters = letters - 1
  WHERE replay_id = OLD.replay_id AND planned = OLD.planned AND became = OLD.became;
  INSERT INTO replay_counts (replay_id, planned, became, letters)
  VALUES (NEW.replay_id, NEW.planned, NEW.became, 1)
  ON CONFLICT (replay_id, planned, became) DO UPDATE SET letters = letters + 1;
END;

CREATE TRIGGER count_replay_letters_delete AFTER DELETE ON replay_letters
BEGIN
  UPDATE replay_counts SET letters = letters - 1
  WHERE replay_id = OLD.replay_id AND planned = OLD.planned AND became = OLD.became;
END;
