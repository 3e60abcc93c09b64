import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkUrl, guardedLookup, isPublicAddress } from '../../src/collect/address.ts';

const addresses: [address: string, isPublic: boolean][] = [
  ['8.8.8.8', true],
  ['93.184.216.34', true],
  ['172.15.255.255', true],
  ['172.32.0.0', true],
  ['100.63.255.255', true],
  ['100.128.0.0', true],
  ['2606:4700:4700::1111', true],
  ['2a00:1450:4001:80b::200e', true],
  ['::ffff:8.8.8.8', true],
  ['64:ff9b::8.8.8.8', true],
  // Loopback, unspecified, private.
  ['127.0.0.1', false],
  ['127.255.255.254', false],
  ['0.0.0.0', false],
  ['0.1.2.3', false],
  ['10.0.0.1', false],
  ['172.16.0.1', false],
  ['172.31.255.255', false],
  ['192.168.1.1', false],
  // Carrier-grade NAT, link-local, metadata of clouds.
  ['100.64.0.1', false],
  ['100.100.100.200', false],
  ['169.254.1.1', false],
  ['169.254.169.254', false],
  ['168.63.129.16', false],
  ['192.0.0.192', false],
  ['fd00:ec2::254', false],
  // Documentation, benchmarks, multicast, broadcast, reserved.
  ['192.0.2.1', false],
  ['198.51.100.1', false],
  ['203.0.113.1', false],
  ['198.18.0.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['240.0.0.1', false],
  ['2001:db8::1', false],
  // IPv6 of the same kinds, and IPv4 within IPv6.
  ['::', false],
  ['::1', false],
  ['fe80::1', false],
  ['fe80::1%eth0', false],
  ['fec0::1', false],
  ['fc00::1', false],
  ['fdff::1', false],
  ['ff02::1', false],
  ['::127.0.0.1', false],
  ['::ffff:127.0.0.1', false],
  ['::ffff:7f00:1', false],
  ['::ffff:10.0.0.1', false],
  ['::ffff:0:10.0.0.1', false],
  ['64:ff9b::10.0.0.1', false],
  ['64:ff9b::7f00:1', false],
  ['64:ff9b:1::1', false],
  ['2002:7f00:1::', false],
  ['2001::1', false],
  // No addresses.
  ['', false],
  ['localhost', false],
  ['8.8.8', false],
  ['0x7f.0.0.1', false],
  ['134744072', false],
];

for (const [address, isPublic] of addresses) {
  test(`${address || '(nothing)'} is ${isPublic ? '' : 'not '}public`, () => {
    assert.equal(isPublicAddress(address), isPublic);
  });
}

const byte = fc.nat(255);
const privateIPv4 = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127), byte, byte, byte),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
  fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
  fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
);

test('no spelling of a private IPv4 address is public', () => {
  const hex = (high: number, low: number) => (high * 256 + low).toString(16);
  fc.assert(
    fc.property(privateIPv4, ([a, b, c, d]) => {
      const dotted = `${a}.${b}.${c}.${d}`;
      const pair = `${hex(a, b)}:${hex(c, d)}`;
      const spellings = [dotted, `::ffff:${dotted}`, `::FFFF:${pair}`, `64:ff9b::${pair}`, `::${pair}`];
      for (const spelling of [...spellings, `0:0:0:0:0:ffff:${pair}`, `2002:${pair}::1`]) {
        assert.equal(isPublicAddress(spelling), false, spelling);
      }
    }),
  );
});

test('an IPv6 address outside 2000::/3 is public only as a mapped or translated IPv4 one', () => {
  const groups = fc.array(fc.nat(0xffff), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(fc.integer({ min: 0x4000, max: 0xffff }), groups, (first, rest) => {
      assert.equal(isPublicAddress([first, ...rest].map((group) => group.toString(16)).join(':')), false);
    }),
  );
});

test('of any text only an address can be public', () => {
  fc.assert(fc.property(fc.string(), (text) => !isPublicAddress(text) || /^[\d.]+$|:/.test(text)));
});

/** What net.connect would be given. */
function lookup(
  found: LookupAddress[],
  options: { all?: boolean; family?: number | 'IPv4' | 'IPv6' },
): Promise<string | LookupAddress[]> {
  const guarded = guardedLookup(async () => found, isPublicAddress);
  return new Promise((resolve, reject) =>
    guarded('some.host', options, (error, address) => (error ? reject(error) : resolve(address))),
  );
}

const four = (address: string) => ({ address, family: 4 });
const six = (address: string) => ({ address, family: 6 });
const refused = /some\.host \(.*\) is not a public address; --allow-private allows it/;
const lookups: [what: string, found: LookupAddress[], gives: string[] | RegExp][] = [
  ['one public address', [four('8.8.8.8')], ['8.8.8.8']],
  ['both families', [six('2606:4700::1'), four('8.8.8.8')], ['2606:4700::1', '8.8.8.8']],
  ['a private one among public ones is left out', [four('10.0.0.1'), four('8.8.8.8')], ['8.8.8.8']],
  ['the same in IPv6', [six('fd00::1'), six('::ffff:10.0.0.1'), four('8.8.8.8')], ['8.8.8.8']],
  ['a private one', [four('10.0.0.1')], refused],
  ['only private ones', [four('127.0.0.1'), six('::1'), six('fe80::1')], refused],
  ['a mapped one', [six('::ffff:169.254.169.254')], refused],
  ['none', [], /its host has no address/],
];
for (const [what, found, gives] of lookups) {
  test(`lookup: ${what}`, async () => {
    if (gives instanceof RegExp) {
      await assert.rejects(lookup(found, { all: true }), gives);
      await assert.rejects(lookup(found, {}), gives);
      return;
    }
    const all = (await lookup(found, { all: true })) as LookupAddress[];
    assert.deepEqual(
      all.map(({ address }) => address),
      gives,
    );
    assert.equal(await lookup(found, {}), gives[0]);
  });
}

test('lookup returns only the requested address family', async () => {
  const found = [six('2606:4700::1'), four('8.8.8.8')];
  assert.equal(await lookup(found, { family: 4 }), '8.8.8.8');
  assert.equal(await lookup(found, { family: 'IPv6' }), '2606:4700::1');
});

test('a lookup error is passed on', async () => {
  const failing = guardedLookup(() => Promise.reject(new Error('SERVFAIL')), isPublicAddress);
  const error = await new Promise((resolve) => failing('some.host', {}, resolve));
  assert.match(String(error), /SERVFAIL/);
});

const urls: [url: string, says: RegExp | undefined][] = [
  ['https://example.org/bat.jpg', undefined],
  ['http://8.8.8.8:8080/', undefined],
  ['http://[2606:4700::1]/', undefined],
  ['bat.jpg', /"bat\.jpg" is not a URL/],
  ['http://', /is not a URL/],
  ['file:///etc/passwd', /^file: is refused; only http: and https: are fetched/],
  ['ftp://example.org/bat.jpg', /^ftp: is refused/],
  ['data:image/png;base64,AAAA', /^data: is refused/],
  ['javascript:alert(1)', /^javascript: is refused/],
  ['https://me:secret@example.org/', /a user name or password is refused/],
  ['http://127.0.0.1/', /127\.0\.0\.1 is not a public address/],
  ['http://2130706433/', /127\.0\.0\.1 is not a public address/],
  ['http://0x7f.1/', /127\.0\.0\.1 is not a public address/],
  ['http://0177.0.0.1/', /127\.0\.0\.1 is not a public address/],
  ['http://[::1]/', /::1 is not a public address/],
  ['http://[::ffff:127.0.0.1]/', /::ffff:7f00:1 is not a public address/],
  ['http://169.254.169.254/latest/meta-data/', /169\.254\.169\.254 is not a public address/],
];
for (const [url, says] of urls) {
  test(`${url} is ${says ? 'refused' : 'accepted'}`, () => {
    if (says === undefined) assert.equal(checkUrl(url, undefined, isPublicAddress).href, url);
    else assert.throws(() => checkUrl(url, undefined, isPublicAddress), { message: says });
  });
}
