/*
 * chunker: FastCDC with normalised chunking.  CH2-CH5 of manifests/FORMAT.md, part 5, fix every bit of it.
 */
#include "manifests/store/chunker.h"

/* CH3: a cut needs 18 leading zero bits before the average is reached and 14 after it, two more and two fewer than the 16 that
 * would give 64 KiB by themselves, so that sizes gather round the average. */
#define LIMIT_BEFORE_AVERAGE (G_GUINT64_CONSTANT(1) << (64 - 18))
#define LIMIT_AFTER_AVERAGE (G_GUINT64_CONSTANT(1) << (64 - 14))

/* CH4: entry i is the first 8 bytes, little-endian, of SHA-256("chama fastcdc/1", byte i). */
static const guint64 gear[256] = {
    0xd351f066b49fccc5, 0x4107e851dfd402c2, 0x3e349870215a2208, 0x407ac500f1dfbf0b,
    0x538808f2a660cfa1, 0x4b69d7368f840445, 0x0052a2641f34f2c0, 0x32853650555f83fe,
    0x35294da68df9218a, 0xa12ac2dcfd1d0707, 0x7119d74d129d3175, 0xd8f9d5f4dafbc96a,
    0x7c75dee1066f6a0e, 0x1ad5582faf4381c8, 0x451041621c96f32c, 0xe575e310f4dd19c5,
    0x35e406f997f2cf16, 0xa672e29edb5e3787, 0xb4a9b6c3a6b26a62, 0x43fab214a47fa936,
    0xd38d6ed01d8386c3, 0xa0d290c4936088be, 0x7c654d20b227849a, 0x96d4d9728570947f,
    0x19b6ec10df1825d5, 0x0df54fa902fc9b11, 0x2533c537846ffcb8, 0xc285f44b60a3196d,
    0x4b4f16eb8edfd282, 0x41db47025ba553f6, 0xa0369b85fa444669, 0xb039fbbb6acdad06,
    0x38837d97002731e0, 0xb438699cbcb3a862, 0x84e3ac38ef4f3838, 0xf6f7f17ca67b9317,
    0xa2eb790c2ed20270, 0xbace34ae3603a94d, 0x3bb39576efd07d90, 0x25debb20d0493bcd,
    0x958ba8135a769814, 0xc3d003a538c3467d, 0x4140ffbded50575e, 0xbe82be0bd093c0bc,
    0x8e1905e03432ee4d, 0xb6fae1dc76f5ebed, 0xec3258605daf7a7c, 0x5f2b37cee1c9bb14,
    0xcf48ac12988e403b, 0x249136e104a2f393, 0x54b100f2e977f344, 0x8a0b7a0ec046bd6d,
    0x2b6f5a999a5f8a85, 0xfe0ed90e20aad021, 0xf0d8d743bb6e6171, 0x0092963b827e8f65,
    0x60b24ee0a94a991b, 0xaace631d845bea65, 0xfe617f52c0e898c8, 0x06f39c0211faca1b,
    0x4a88b331918e68b0, 0x5cf573c518ea2295, 0x31be5d7c72384516, 0x9ba92097c8d4553e,
    0x71b84068f46ab85e, 0xa22e7e879dfd912f, 0x4dcf59c1877d4446, 0xc3a74191f6ad28ec,
    0xf5cd1e1468e1220d, 0xa8617184cd452963, 0xa82590c98458d1ec, 0x0c9aa95c5e6b76e1,
    0xd48b2095932cea88, 0xe7d028cb291fa9a9, 0x7116f6f07dfc4e00, 0x22029615ebf9a07e,
    0xf898ea1cc85095b1, 0x8176f84478edb163, 0xe11ff62d237c0a10, 0x4b9a7b591448a9ce,
    0x7271ac2be5846c24, 0x93d0f2b7482f08c9, 0x80fdf9be676af158, 0xf9fcbb24d83261e4,
    0xd63facc4bcb27e78, 0x1b832341c4d27e49, 0x5184c7d5aec2af1b, 0x10c4dd219f139929,
    0x2d05ef61d6846070, 0x7685b6b010367bbc, 0xbaccfef932a794d4, 0x19c5894f9bdf7ee8,
    0x7f2c3143e30bbe49, 0xa3d3eb48bd12fbd9, 0xe8a014bf1e5953bf, 0xfb6fcc71789c62f9,
    0x6656db6ee8f26f42, 0xe726829979da4215, 0x1419963e6f8e3ca8, 0x20fa1c5dd5cf1962,
    0x8055f3ae4d0ef21f, 0x00c191dfc51509a2, 0x500981a34a1218e2, 0x687bd08ab0945a73,
    0xecbfaef6a7a0d80b, 0x097f2036b9d8a090, 0xf8b1484c3fbc7126, 0x642a27690ffe6419,
    0x8b4745a1e804c614, 0x967f7f14d6e7990f, 0xf7c0d13b7c2dae8e, 0x993dfa3ba1b59e53,
    0x3f05a0962f46858e, 0x92a6ec166e07163a, 0x451431e070ef7478, 0x268ea2541b2558c5,
    0x430ea634304e24d7, 0x8cca51b40bfa882d, 0xd61024184f6b1a57, 0x160fd942c00981ee,
    0xcd7f810399d78317, 0xdbc0bf73108a3c25, 0x0cf345ea2ee2995c, 0x5ce3dad3d6633602,
    0x9098179dd4b35c0f, 0x59a0862308d370ea, 0x7266300b85a5b21f, 0xd3224336ab8b121d,
    0x1b605f8b8200b67a, 0xbe6715efa856880d, 0x4bce17dcc1a667a6, 0x43063de45460b063,
    0xc637a004ba69e790, 0x842e5bf4564d3e37, 0xa7843f229de87fd0, 0x6c84b318ca5b6575,
    0x2861e212625554e9, 0xe3ebe90b2dd5ed5e, 0xaa51c6118df7de92, 0xc100fef34d7ace4c,
    0x989d35c350c55c10, 0x86518d15767d7c3b, 0x8a952d20ec296af0, 0x31fc967e0a92a525,
    0x36d4c6f5362150ee, 0x310a0ffb31983d50, 0xda14de2d4b0fc039, 0xdacfdb2cb2b41f55,
    0x73cf288005ea4380, 0xf539e50105ad4e64, 0x3138b9b8c534a246, 0x8b2d2c28070495fe,
    0x5633ce60a980b59d, 0x09fbd8a91643f44c, 0xc18604df3d067e6a, 0x6afb2dce5c6a9097,
    0x2f2172e8f53380bb, 0xeadff9b0dfbd91fc, 0x6fb40050f82fa0e5, 0x6de06ac592ed64fe,
    0xa95899845c390c66, 0x50fcc172ed1adc64, 0xf71c8805334e2fbc, 0xd79ed6eb5be93006,
    0x7fa4e93226a97077, 0xc50f5297fa7dbee9, 0x1ed94eeb6741f640, 0xba8ae969b5b0fb90,
    0x58dfce645afe1450, 0x4acfd49aa3b8ac89, 0x594c88008c3ded70, 0x636bfd2557dbd094,
    0x6862fdcc2393513c, 0x49fb6bcb220637bb, 0x0dac0cea6425884f, 0x28ea931811ec431f,
    0xcd3ba0259b62bc0c, 0x2d5afd8d045c6567, 0x8960d9e9a1503aec, 0x6df9aa0fdc394af9,
    0xc3e299166b4abd42, 0x6e2cf54b99f1c3e0, 0x7e8eec95608245c1, 0xa72cc0865db06ec0,
    0x7fb12b84705bcb28, 0x794a8c385c38c9e6, 0xe4a72911fc8e7fc9, 0x30e5102d0861ebd4,
    0xdfffb1c11b916665, 0xc095ca5fa8631e51, 0x0df0451e9c2b33c3, 0x923c0afd8cde0086,
    0xe76e801c6048a867, 0x61551e1ac6935ebf, 0x6fb972b15050373d, 0x19d2e880ca1f8890,
    0x89f856c1b7250f3a, 0x1fee2bd11c40453f, 0x0eb8d5cbf97a7286, 0x76d9f2d630157f43,
    0xb4d235709a00f9ff, 0x0c7f7aa4dd4b3b3f, 0xc9760444aadfd919, 0x8ecfce9dccba0da8,
    0x83ad716c91ca31ac, 0x138d53b98e5ffb75, 0xdcc044b04613fc80, 0x8174a2fc54bc4a5d,
    0x38b7cbb6a54be97b, 0xbb19074030967689, 0x53ed90a9df888975, 0x2ca6f730a0b33ac8,
    0x8fb7226cedc1408f, 0x2128814fc4b00dc7, 0x7c82291bac17a03c, 0x844144a5fb45c706,
    0xd96f26726b7a1c54, 0x17a3fe0fbaecf195, 0x28c3b6370c6af6e3, 0x509f9da658eec572,
    0xcbd66c2677324335, 0x636bbeca41517bec, 0x3feb3a3c3f95fd45, 0xa29d7750a8c30873,
    0xa1827ad676b3eab5, 0x9f03f7d04c1ec9b8, 0x70c66f1e8a1ce648, 0x1b9d544cb493a571,
    0xfa2dd8eb770eda4d, 0xa4021948c2ef3a7f, 0x3dc6d28d3fff60ee, 0x98641a31a2adf68e,
    0x74ffffb77a4a9922, 0x25bcde53392a51fb, 0xb65b820ee8b94471, 0x4e9b93b12838e702,
    0x4136714962366352, 0x74e561d1fc819449, 0xc882ccc0420b732e, 0x0173733cc8291639,
    0x31703a7231cc4672, 0x24c7bc3cec0b716a, 0xf28beb4104668de9, 0xd87705fe553946d7,
    0xe261c64de9aa148a, 0xc64a80dc5468eb37, 0x5fdb96a1fad5e1c1, 0x51fcd6f923b42d73,
    0x42485558e1c306a5, 0x014e01c539046699, 0x9ef5d3e70363a9cf, 0x151bb16266b75e2c,
    0xc48779959b6ed404, 0xf4e3eba7e8e8c0fb, 0xb1fe2cfee2e9994f, 0x3da2d248b48f4ef5,
};

/* The first cut in data[from..to), after the byte at which the rolling sum is below @limit; *@sum goes on.  Two bytes a step: 4h + (2a + b) is
 * 2(2h + a) + b, but waits only for the h of two bytes before, and waiting is all that costs here. */
static gsize
find_cut(const guint8 *data, gsize from, gsize to, guint64 limit, guint64 *sum)
{
    guint64 h = *sum;
    gsize i = from;

    for (; i + 2 <= to; i += 2) {
        guint64 a = gear[data[i]], b = gear[data[i + 1]], between = (h << 1) + a;

        h = (h << 2) + ((a << 1) + b);
        if (G_UNLIKELY(between < limit))
            return i + 1;
        if (G_UNLIKELY(h < limit))
            return i + 2;
    }
    if (i < to) {
        h = (h << 1) + gear[data[i]];
        if (h < limit)
            return i + 1;
    }
    *sum = h;
    return 0;
}

gsize
chunker_cut(const guint8 *data, gsize size)
{
    gsize end = MIN(size, CHUNK_SIZE_LIMIT);
    gsize average = MIN(end, CHUNK_SIZE_AVERAGE);
    guint64 sum = 0;
    gsize cut;

    if (end <= CHUNK_SIZE_MIN)
        return end;
    cut = find_cut(data, CHUNK_SIZE_MIN, average, LIMIT_BEFORE_AVERAGE, &sum);
    if (!cut)
        cut = find_cut(data, average, end, LIMIT_AFTER_AVERAGE, &sum);
    return cut ? cut : end;
}
