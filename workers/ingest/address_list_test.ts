import { assertEquals } from "@std/assert";
import { decodeAddress, encodeAddress } from "../../ffi/address.ts";
import { ADDRESS_BYTES } from "../../ffi/symbols.ts";
import { AddressList, familyOf } from "./address_list.ts";

function bytesOf(...hostnames: string[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hostnames.length * ADDRESS_BYTES);
  hostnames.forEach((hostname, i) => bytes.set(encodeAddress({ hostname, port: 554 }), i * ADDRESS_BYTES));
  return bytes;
}

const current = (list: AddressList) => decodeAddress(list.current)?.hostname;

Deno.test("AddressList goes through the addresses of a host, and says when it is round", () => {
  const list = new AddressList(bytesOf("2001:db8::1", "192.0.2.1"));
  assertEquals([current(list), familyOf(list.current)], ["2001:db8::1", 6]);
  assertEquals(list.advance(), true);
  assertEquals([current(list), familyOf(list.current)], ["192.0.2.1", 4]);
  assertEquals([list.advance(), current(list)], [false, "2001:db8::1"]);
});

Deno.test("AddressList.replace() stays with the address in use where the host still has it", () => {
  const list = new AddressList(bytesOf("192.0.2.1", "192.0.2.2"));
  list.advance();
  list.replace(bytesOf("192.0.2.3", "192.0.2.2"));
  assertEquals(current(list), "192.0.2.2");
  list.replace(bytesOf("192.0.2.4", "192.0.2.5"));
  assertEquals(current(list), "192.0.2.4");
});
