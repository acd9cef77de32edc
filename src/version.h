/* The version stands here alone; the Makefile and the packaging scripts read it from here. */
#define PQ_VERSION "0.2.0"
