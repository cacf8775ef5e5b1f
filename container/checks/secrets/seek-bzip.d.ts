declare module 'seek-bzip' {
  const Bunzip: {
    decode(
      input: { readByte(): number; eof(): boolean },
      output: { writeByte(byte: number): void },
      multistream: boolean,
    ): void
  }
  export default Bunzip
}
