
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_alphabet.h"


/* all alphabets are of ASCII; 7 is in each of them, 6 not in words */

const unsigned char  sendkit_alphabets[256] = {

    [0x20] =

    /*    !  "  #  $  %  &  '  (  )  *  +  ,  -  .  / */
       0, 4, 0, 0, 4, 0, 4, 4, 4, 4, 4, 4, 4, 7, 6, 4,

    /* 0  1  2  3  4  5  6  7  8  9  :  ;  <  =  >  ? */
       7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 0, 0, 4, 0, 0,

    /* @  A  B  C  D  E  F  G  H  I  J  K  L  M  N  O */
       6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,

    /* P  Q  R  S  T  U  V  W  X  Y  Z  [  \  ]  ^  _ */
       7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 7,

    /* `  a  b  c  d  e  f  g  h  i  j  k  l  m  n  o */
       0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,

    /* p  q  r  s  t  u  v  w  x  y  z  {  |  }  ~    */
       7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 4, 0
};
