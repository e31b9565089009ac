"""The controllers: one class a resource, one method an HTTP method; validate, call, present."""
