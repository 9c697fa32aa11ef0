/*
 * libdeflate's compressor as WebAssembly, made by scripts/libdeflate.sh. Its file is included whole, so that the
 * one parser that we use can be called without the others: what nothing calls is left out.
 */
#include "lib/deflate_compress.c"

/* LONGEST_BLOCK of cut-blocks.ts. */
#define LONGEST (2 << 20)

/* Without the memory of the other parsers. */
#define COMPRESSOR_SIZE (offsetof(struct libdeflate_compressor, p) + sizeof(((struct libdeflate_compressor *)0)->p.f))

static u8 compressor[COMPRESSOR_SIZE] __attribute__((aligned(MATCHFINDER_MEM_ALIGNMENT)));
static u8 in[LONGEST];
static u8 out[LONGEST + LONGEST / 16];

__attribute__((export_name("input"))) u8 *input(void) { return in; }
__attribute__((export_name("output"))) u8 *output(void) { return out; }

/* As libdeflate_alloc_compressor_ex does for level 1. */
__attribute__((export_name("start"))) void start(void)
{
	struct libdeflate_compressor *c = (struct libdeflate_compressor *)compressor;
	c->impl = deflate_compress_fastest;
	c->nice_match_length = 32;
	deflate_init_static_codes(c);
}

/*
 * Compresses the input's first bytes, and ends with an empty stored block so that another piece can follow at the next
 * byte (RFC 1951, 3.2.4): no block is the last one, see the script. Gives the length of the output, 0 when it has not room enough.
 */
__attribute__((export_name("deflate"))) size_t deflate(size_t length)
{
	static const u8 empty[] = { 0, 0, 0xff, 0xff };
	struct libdeflate_compressor *c = (struct libdeflate_compressor *)compressor;
	struct deflate_output_bitstream os = { .next = out, .end = out + sizeof(out) - 8 };
	int bits;
	c->impl(c, in, length, &os);
	if (os.overflow)
		return 0;
	/* At most seven bits are left; three zeros begin a stored block, and zeros fill its byte. */
	for (bits = (int)os.bitcount + 3; bits > 0; bits -= 8) {
		*os.next++ = (u8)os.bitbuf;
		os.bitbuf >>= 8;
	}
	memcpy(os.next, empty, sizeof(empty));
	return (size_t)(os.next + sizeof(empty) - out);
}
