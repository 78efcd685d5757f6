-- Found visits that are read more than once.
CREATE TEMP TABLE /*name*/ AS SELECT /*columns*/ FROM /*found*/ WHERE /*where*/;
