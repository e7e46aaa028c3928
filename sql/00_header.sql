/*
 * The install script of segments, built from the parts sql/NN_name.sql in the
 * order of their numbers.  Schema segments is made by the control file.
 */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION segments" to load this file. \quit

