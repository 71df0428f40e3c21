-- dead_letters: keeps the counts by state, reason, type and day, and tells the replay of a letter
-- what became of it. A letter that the sweep returned is sent again, if its replay is still open,
-- and five times in all: one that fails for days without an end would keep its replay open for
-- ever.
CREATE TRIGGER count_dead_letters_insert AFTER INSERT ON dead_letters
BEGIN
  INSERT INTO dead_letter_counts (state, reason, type, day, letters)
  VALUES (NEW.state, NEW.reason, coalesce(NEW.type, ''), NEW.first_seen_at / 86400000, 1)
  ON CONFLICT (state, reason, type, day) DO UPDATE SET letters = letters + 1;
END;

CREATE TRIGGER count_dead_letters_delete AFTER DELETE ON dead_letters
BEGIN
  UPDATE dead_letter_counts SET letters = letters - 1
  WHERE state = OLD.state
    AND reason = OLD.reason
    AND type = coalesce(OLD.type, '')
    AND day = OLD.first_seen_at / 86400000;
  DELETE FROM dead_letter_counts
  WHERE state = OLD.state
    AND reason = OLD.reason
    AND type = coalesce(OLD.type, '')
    AND day = OLD.first_seen_at / 86400000
    AND letters <= 0;
END;

CREATE TRIGGER count_dead_letters_update AFTER UPDATE ON dead_letters
WHEN OLD.state <> NEW.state
  OR OLD.reason <> NEW.reason
  OR OLD.type IS NOT NEW.type
  OR OLD.first_seen_at <> NEW.first_seen_at
BEGIN
  UPDATE dead_letter_counts SET letters = letters - 1
  WHERE state = OLD.state
    AND reason = OLD.reason
    AND type = coalesce(OLD.type, '')
    AND day = OLD.first_seen_at / 86400000;
  DELETE FROM dead_letter_counts
  WHERE state = OLD.state
    AND reason = OLD.reason
    AND type = coalesce(OLD.type, '')
    AND day = OLD.first_seen_at / 86400000
    AND letters <= 0;
  INSERT INTO dead_letter_counts (state, reason, type, day, letters)
  VALUES (NEW.state, NEW.reason, coalesce(NEW.type, ''), NEW.first_seen_at / 86400000, 1)
  ON CONFLICT (state, reason, type, day) DO UPDATE SET letters = letters + 1;
END;

CREATE TRIGGER tell_replay_update AFTER UPDATE OF state, returns, generation ON dead_letters
WHEN NEW.replay_id IS NOT NULL
  AND (OLD.state <> NEW.state OR OLD.returns <> NEW.returns OR OLD.generation <> NEW.generation)
BEGIN
  UPDATE replay_letters SET
    became = iif(
      NEW.state = 'replaying',
      'sent',
      iif(
        NEW.returns = OLD.returns,
        NEW.state,
        iif(
          NEW.returns <= 5
            AND EXISTS (SELECT 1 FROM replays WHERE id = NEW.replay_id AND is_open = 1),
          'waiting',
          'left'
        )
      )
    ),
    became_at = NEW.state_at,
    generation = iif(NEW.returns > OLD.returns, NEW.generation, generation)
  WHERE message_id = NEW.message_id AND replay_id = NEW.replay_id;
END;
