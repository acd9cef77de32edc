/* SHA-256: the examples of FIPS 180-4, and lengths around a block. */
#include "base/sha256.h"
#include "unit.h"

static void
is(const char *bytes, size_t n, const char *want)
{
	unsigned char hash[32];
	char hex[65];

	sha256(bytes, n, hash);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	CHECK_STRING(hex, want);
}

static void
examples(void)
{
	is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void
lengths(void)
{
	static char many[1000];

	memset(many, 'a', sizeof many);
	is(many, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	is(many, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
	is(many, 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

int
main(void)
{
	unit_test("the examples of the standard", examples);
	unit_test("lengths around a block", lengths);
	return unit_done();
}
