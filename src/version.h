/* The one place that knows the version. */
#define PQ_VERSION "0.1.0"
