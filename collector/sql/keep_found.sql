-- What was found, visits or actions, and is read more than once.
CREATE TEMP TABLE /*name*/ AS SELECT /*columns*/ FROM /*found*/ WHERE /*where*/;
